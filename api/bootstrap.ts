import type { BootstrapTenant } from '../src/config/config.ts';
import { TENANT_ROLES } from '../src/domain/roles.ts';
import type { Logger } from '../src/log/logger.ts';
import { hashApiKey, hintOf } from '../src/secrets/api-key.ts';
import { insertApiKey } from '../src/store/api-keys.ts';
import { insertAudit } from '../src/store/audit.ts';
import { type Db, inTransaction } from '../src/store/db.ts';
import { getTenantCredentials, insertTenant, type Tenant } from '../src/store/tenants.ts';

/** Who the audit says it was. */
const ACTOR = 'bootstrap';

/** Networks of this machine: a tenant of the embedded stack may be called back on loopback. */
const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** Adds a tenant that is missing, with its key and what the audit keeps of it. */
async function addTenant(
  db: Db,
  { name, apiKey }: BootstrapTenant,
  isEmbedded: boolean,
): Promise<{ readonly created: Tenant | undefined; readonly tenant: Tenant | undefined }> {
  return inTransaction(db, async (transaction) => {
    const created = await insertTenant(transaction, {
      name,
      inputRoot: null,
      outputRoot: null,
      sourceStorage: isEmbedded ? 'local' : 'S3',
      destinationStorage: null,
      allowedNetworks: isEmbedded ? LOOPBACK : [],
      roles: isEmbedded ? TENANT_ROLES : [],
    });
    const tenant = created ?? (await getTenantCredentials(transaction, name))?.tenant;
    if (tenant === undefined) return { created, tenant };
    const key = { hash: hashApiKey(apiKey), hint: hintOf(apiKey) };
    const keyId = await insertApiKey(transaction, tenant.id, key);
    if (created !== undefined || keyId !== undefined) {
      await insertAudit(transaction, {
        tenantId: tenant.id,
        actor: ACTOR,
        action: created === undefined ? 'key.create' : 'tenant.create',
        detail: { keyId: keyId ?? null },
      });
    }
    return { created, tenant };
  });
}

/**
 * Creates the tenants of the environment that are missing, and their keys. One that exists keeps what
 * it is; the key is added to its keys, unless it was revoked.
 */
export async function bootstrapTenants(
  deps: { readonly db: Db; readonly log: Logger },
  tenants: readonly BootstrapTenant[],
  options: { readonly isEmbedded: boolean },
): Promise<void> {
  const { db, log } = deps;
  for (const given of tenants) {
    const { name } = given;
    const { created, tenant } = await addTenant(db, given, options.isEmbedded);
    if (created !== undefined) {
      log.info({ tenant: name, networks: created.allowedNetworks }, 'tenant created');
    }
    if (tenant === undefined) {
      log.warn({ tenant: name }, 'the tenant is disabled; its key was not added');
      continue;
    }
    const keyHash = hashApiKey(given.apiKey);
    const valid = (await getTenantCredentials(db, name))?.keys ?? [];
    if (!valid.some((one) => one.hash.equals(keyHash))) {
      log.warn(
        { tenant: name },
        'the key was not added: it was revoked or has expired, or belongs to another tenant',
      );
    }
  }
}
