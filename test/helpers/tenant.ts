import type { Db } from '../../src/store/db.ts';
import { putSetting } from '../../src/store/settings.ts';
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

let added = 0;

/** Adds a tenant of a new name, for tests that need several, with settings of its own; returns its id. */
export async function addAnotherTenant(
  db: Db,
  settings: Readonly<Record<string, number>> = {},
  changes: Partial<NewTenant> = {},
): Promise<number> {
  added += 1;
  const id = await addTenant(db, `tenant${added}`, changes);
  for (const [name, value] of Object.entries(settings)) {
    await putSetting(db, id, name, String(value));
  }
  return id;
}
