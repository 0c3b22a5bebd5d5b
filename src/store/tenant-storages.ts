import { sql } from 'kysely';
import type {
  KeptStorage,
  RemoteKind,
  StorageSettings,
  StorageSide,
} from '../domain/storage-settings.ts';
import type { Db } from './db.ts';

interface Row {
  tenant_id: number;
  side: StorageSide;
  settings: StorageSettings;
  sealed: string | null;
}

const COLUMNS = sql.raw('tenant_id, side, settings, sealed');

const fromRow = (row: Row): KeptStorage => ({
  tenantId: row.tenant_id,
  side: row.side,
  settings: row.settings,
  sealed: row.sealed,
});

/** How a tenant, by name, reads sources or writes results in a kind of storage. */
export async function getTenantStorage(
  db: Db,
  tenant: string,
  kind: RemoteKind,
  side: StorageSide,
): Promise<KeptStorage | undefined> {
  const { rows } = await sql<Row>`
    SELECT ${COLUMNS} FROM tenant_storages
    WHERE tenant_id = (SELECT id FROM tenants WHERE name = ${tenant}) AND kind = ${kind} AND side = ${side}`.execute(
    db,
  );
  return rows[0] && fromRow(rows[0]);
}

/** All remote storages of a tenant; null: of all tenants. */
export async function listTenantStorages(
  db: Db,
  tenantId: number | null,
): Promise<readonly KeptStorage[]> {
  const { rows } = await sql<Row>`
    SELECT ${COLUMNS} FROM tenant_storages
    WHERE ${tenantId}::integer IS NULL OR tenant_id = ${tenantId}
    ORDER BY tenant_id, kind, side`.execute(db);
  return rows.map(fromRow);
}

/** Sets up a storage, or replaces how it was set up. */
export async function putTenantStorage(db: Db, storage: KeptStorage): Promise<void> {
  const { tenantId, side, settings, sealed } = storage;
  await sql`
    INSERT INTO tenant_storages (tenant_id, kind, side, settings, sealed)
    VALUES (${tenantId}, ${settings.kind}, ${side}, ${JSON.stringify(settings)}::json, ${sealed})
    ON CONFLICT (tenant_id, kind, side) DO UPDATE
      SET settings = excluded.settings, sealed = excluded.sealed, updated_at = now()`.execute(db);
}

/** Takes a storage away; false where there was none. */
export async function deleteTenantStorage(
  db: Db,
  tenantId: number,
  kind: RemoteKind,
  side: StorageSide,
): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    DELETE FROM tenant_storages
    WHERE tenant_id = ${tenantId} AND kind = ${kind} AND side = ${side}`.execute(db);
  return numAffectedRows > 0n;
}
