import type { Db } from '../../src/store/db.ts';
import { insertTenant, type NewTenant } from '../../src/store/tenants.ts';

/** Adds a tenant with local storage, for tests that need one and no more of it; returns its id. */
export async function addTenant(
  db: Db,
  name = 'acme',
  changes: Partial<NewTenant> = {},
): Promise<number> {
  const tenant = await insertTenant(db, {
    name,
    inputRoot: null,
    outputRoot: null,
    sourceStorage: 'local',
    destinationStorage: null,
    allowedNetworks: [],
    ...changes,
  });
  if (tenant === undefined) throw new Error(`there is a tenant ${name} already`);
  return tenant.id;
}
