import { sql } from 'kysely';
import { type Settings, settingsFrom } from '../domain/settings.ts';
import type { Db } from './db.ts';

/** What applies to all tenants that have no setting of their own, by name. */
export async function listSystemSettings(db: Db): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ name: string; setting: string }>`
    SELECT name, setting FROM system_settings ORDER BY name`.execute(db);
  return new Map(rows.map((row) => [row.name, row.setting]));
}

/** The system's settings, for work that serves all tenants at once. */
export async function getSystemSettings(db: Db): Promise<Settings> {
  return settingsFrom(Object.fromEntries(await listSystemSettings(db)));
}

/** Creates or changes one setting of the system. */
export async function putSystemSetting(
  db: Db,
  name: string,
  setting: string,
): Promise<'created' | 'updated'> {
  const { rows } = await sql<{ created: boolean }>`
    INSERT INTO system_settings (name, setting) VALUES (${name}, ${setting})
    ON CONFLICT (name) DO UPDATE SET setting = excluded.setting, updated_at = now()
    RETURNING (xmax = 0) AS created`.execute(db);
  return rows[0]?.created === true ? 'created' : 'updated';
}

/** Takes a setting of the system away: its default applies again. One that is not there is no error. */
export async function deleteSystemSetting(db: Db, name: string): Promise<void> {
  await sql`DELETE FROM system_settings WHERE name = ${name}`.execute(db);
}
