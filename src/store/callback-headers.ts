import { sql } from 'kysely';
import type { Db } from './db.ts';

/** The sealed values of a tenant's callback headers by name, in the order of their names. */
export async function listCallbackHeaders(
  db: Db,
  tenantId: number,
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ name: string; sealed: string }>`
    SELECT name, sealed FROM callback_headers WHERE tenant_id = ${tenantId} ORDER BY name`.execute(
    db,
  );
  return new Map(rows.map((row) => [row.name, row.sealed]));
}

/** Creates or changes a header; its value comes sealed. */
export async function putCallbackHeader(
  db: Db,
  tenantId: number,
  name: string,
  sealed: string,
): Promise<void> {
  await sql`
    INSERT INTO callback_headers (tenant_id, name, sealed) VALUES (${tenantId}, ${name}, ${sealed})
    ON CONFLICT (tenant_id, name) DO UPDATE SET sealed = excluded.sealed, updated_at = now()`.execute(
    db,
  );
}

/** Takes a header away; false where there was none. */
export async function deleteCallbackHeader(
  db: Db,
  tenantId: number,
  name: string,
): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    DELETE FROM callback_headers WHERE tenant_id = ${tenantId} AND name = ${name}`.execute(db);
  return numAffectedRows > 0n;
}
