import type { BootstrapTenant } from '../src/config/config.ts';
import type { Logger } from '../src/log/logger.ts';
import { insertApiKey } from '../src/store/api-keys.ts';
import type { Db } from '../src/store/db.ts';
import { getTenant, insertTenant } from '../src/store/tenants.ts';
import { hashApiKey } from './authenticator.ts';

/** Networks of this machine: a tenant of the embedded stack may be called back on loopback. */
const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/**
 * Creates the tenants of the environment that are missing, and their keys. One that exists keeps what
 * it is; the key is added to its keys.
 */
export async function bootstrapTenants(
  deps: { readonly db: Db; readonly log: Logger },
  tenants: readonly BootstrapTenant[],
  options: { readonly isEmbedded: boolean },
): Promise<void> {
  for (const { name, apiKey } of tenants) {
    const created = await insertTenant(deps.db, {
      name,
      inputRoot: null,
      outputRoot: null,
      sourceStorage: options.isEmbedded ? 'local' : 'S3',
      destinationStorage: null,
      allowedNetworks: options.isEmbedded ? LOOPBACK : [],
    });
    const tenant = created ?? (await getTenant(deps.db, name));
    if (tenant !== undefined) await insertApiKey(deps.db, tenant.id, hashApiKey(apiKey));
    if (created !== undefined)
      deps.log.info({ tenant: name, networks: created.allowedNetworks }, 'tenant created');
  }
}
