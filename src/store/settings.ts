import { type RawBuilder, sql } from 'kysely';
import { type Settings, settingsFrom } from '../domain/settings.ts';
import type { Db } from './db.ts';

/**
 * SQL: what applies for a tenant, its own settings over the system's, as one JSON object of texts by
 * name; read it with `settingsFrom`. `tenantId` is a column of the query around it, or a value.
 */
export const settingsOf = (tenantId: RawBuilder<unknown>): RawBuilder<unknown> => sql`(
  coalesce((SELECT jsonb_object_agg(name, setting) FROM system_settings), '{}') ||
  coalesce((SELECT jsonb_object_agg(name, setting) FROM settings WHERE tenant_id = ${tenantId}), '{}'))`;

/** What applies for a tenant. */
export async function getTenantSettings(db: Db, tenantId: number): Promise<Settings> {
  const { rows } = await sql<{ settings: Record<string, string> }>`
    SELECT ${settingsOf(sql`${tenantId}::integer`)} AS settings`.execute(db);
  return settingsFrom(rows[0]?.settings ?? {});
}

/** What applies for the tenant that owns a job. */
export async function getJobSettings(db: Db, jobId: number): Promise<Settings> {
  const { rows } = await sql<{ settings: Record<string, string> }>`
    SELECT ${settingsOf(sql.ref('jobs.tenant_id'))} AS settings FROM jobs WHERE id = ${jobId}`.execute(
    db,
  );
  return settingsFrom(rows[0]?.settings ?? {});
}

/** A tenant's own settings by name, in the order of their names. */
export async function listSettings(db: Db, tenantId: number): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ name: string; setting: string }>`
    SELECT name, setting FROM settings WHERE tenant_id = ${tenantId} ORDER BY name`.execute(db);
  return new Map(rows.map((row) => [row.name, row.setting]));
}

/** Creates or changes one setting of a tenant. */
export async function putSetting(
  db: Db,
  tenantId: number,
  name: string,
  setting: string,
): Promise<'created' | 'updated'> {
  const { rows } = await sql<{ created: boolean }>`
    INSERT INTO settings (tenant_id, name, setting) VALUES (${tenantId}, ${name}, ${setting})
    ON CONFLICT (tenant_id, name) DO UPDATE SET setting = excluded.setting, updated_at = now()
    RETURNING (xmax = 0) AS created`.execute(db);
  return rows[0]?.created === true ? 'created' : 'updated';
}

/** Takes a tenant's own setting away: the system's applies again. One that is not there is no error. */
export async function deleteSetting(db: Db, tenantId: number, name: string): Promise<void> {
  await sql`DELETE FROM settings WHERE tenant_id = ${tenantId} AND name = ${name}`.execute(db);
}
