import { sql } from 'kysely';
import { type Settings, settingsFrom } from '../domain/settings.ts';
import type { Db } from './db.ts';

/** Creates or changes one setting. */
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

/** The settings of the tenant that owns a job. */
export async function getJobSettings(db: Db, jobId: number): Promise<Settings> {
  const { rows } = await sql<{ name: string; setting: string }>`
    SELECT name, setting FROM settings JOIN jobs USING (tenant_id) WHERE jobs.id = ${jobId}`.execute(
    db,
  );
  return settingsFrom(Object.fromEntries(rows.map((row) => [row.name, row.setting])));
}
