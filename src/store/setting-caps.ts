import { sql } from 'kysely';
import type { Cap } from '../domain/judge-setting.ts';
import type { Db } from './db.ts';

interface CapRow {
  name: string;
  least: number | null;
  most: number | null;
}

const fromRows = (rows: readonly CapRow[]): ReadonlyMap<string, Cap> =>
  new Map(rows.map(({ name, least, most }) => [name, { least, most }]));

/** The caps that hold for a tenant, by name: its own before the one for every tenant. */
export async function listTenantCaps(db: Db, tenantId: number): Promise<ReadonlyMap<string, Cap>> {
  const { rows } = await sql<CapRow>`
    SELECT DISTINCT ON (name) name, least, most FROM setting_caps
    WHERE tenant_id = ${tenantId} OR tenant_id IS NULL
    ORDER BY name, tenant_id NULLS LAST`.execute(db);
  return fromRows(rows);
}

/** The caps for every tenant without one of its own, by name. */
export async function listSystemCaps(db: Db): Promise<ReadonlyMap<string, Cap>> {
  const { rows } = await sql<CapRow>`
    SELECT name, least, most FROM setting_caps WHERE tenant_id IS NULL ORDER BY name`.execute(db);
  return fromRows(rows);
}

/** Creates or changes a cap; `tenantId` null is for every tenant without one of its own. */
export async function putCap(
  db: Db,
  tenantId: number | null,
  name: string,
  cap: Cap,
): Promise<'created' | 'updated'> {
  const { rows } = await sql<{ created: boolean }>`
    INSERT INTO setting_caps (tenant_id, name, least, most)
    VALUES (${tenantId}, ${name}, ${cap.least}, ${cap.most})
    ON CONFLICT (tenant_id, name)
    DO UPDATE SET least = excluded.least, most = excluded.most, updated_at = now()
    RETURNING (xmax = 0) AS created`.execute(db);
  return rows[0]?.created === true ? 'created' : 'updated';
}

/** Takes a cap away. One that is not there is no error. */
export async function deleteCap(db: Db, tenantId: number | null, name: string): Promise<void> {
  await sql`
    DELETE FROM setting_caps
    WHERE name = ${name} AND tenant_id IS NOT DISTINCT FROM ${tenantId}::integer`.execute(db);
}
