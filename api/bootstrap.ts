import type { BootstrapTenant } from '../src/config/config.ts';
import { TENANT_ROLES } from '../src/domain/roles.ts';
import type { Logger } from '../src/log/logger.ts';
import { hashApiKey, hintOf } from '../src/secrets/api-key.ts';
import { insertApiKey } from '../src/store/api-keys.ts';
import type { Db } from '../src/store/db.ts';
import { getTenantCredentials, insertTenant } from '../src/store/tenants.ts';

/** Networks of this machine: a tenant of the embedded stack may be called back on loopback. */
const LOOPBACK = ['127.0.0.0/8', '::1/128'];

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
  for (const { name, apiKey } of tenants) {
    const created = await insertTenant(db, {
      name,
      inputRoot: null,
      outputRoot: null,
      sourceStorage: options.isEmbedded ? 'local' : 'S3',
      destinationStorage: null,
      allowedNetworks: options.isEmbedded ? LOOPBACK : [],
      roles: options.isEmbedded ? TENANT_ROLES : [],
    });
    if (created !== undefined) {
      log.info({ tenant: name, networks: created.allowedNetworks }, 'tenant created');
    }
    const tenant = created ?? (await getTenantCredentials(db, name))?.tenant;
    if (tenant === undefined) {
      log.warn({ tenant: name }, 'the tenant is disabled; its key was not added');
      continue;
    }
    const keyHash = hashApiKey(apiKey);
    await insertApiKey(db, tenant.id, { hash: keyHash, hint: hintOf(apiKey) });
    const valid = (await getTenantCredentials(db, name))?.keys ?? [];
    if (!valid.some((one) => one.hash.equals(keyHash))) {
      log.warn(
        { tenant: name },
        'the key was not added: it was revoked or has expired, or belongs to another tenant',
      );
    }
  }
}
