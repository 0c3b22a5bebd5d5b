import { sql } from 'kysely';
import type { JobResult } from '../domain/callback.ts';
import type { Db } from './db.ts';

/** An asset's name and place. */
export interface AssetPlace {
  readonly tenantId: number;
  /** Storage and full path of the folder, `local:/srv/out/acme/movie`. */
  readonly location: string;
  /** Stem of the asset's names. */
  readonly asset: string;
}

/**
 * Sets an asset's files and returns those of the publication it replaces (none for the first). The same
 * job switching again, because its worker was killed after the switch, is told them again.
 */
export async function replacePublication(
  transaction: Db,
  place: AssetPlace,
  jobId: number,
  files: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ replaced: string[] }>`
    INSERT INTO publications AS former (tenant_id, location, asset, job_id, files)
    VALUES (${place.tenantId}, ${place.location}, ${place.asset}, ${jobId}, ${files}::text[])
    ON CONFLICT (tenant_id, location, asset) DO UPDATE
      SET job_id = excluded.job_id, files = excluded.files, published_at = now(),
        replaced = CASE WHEN former.job_id = excluded.job_id THEN former.replaced ELSE former.files END
    RETURNING replaced`.execute(transaction);
  return rows[0]?.replaced ?? [];
}

/** Keys of all files that publications of any asset have in a folder. */
export async function listPublishedFiles(
  db: Db,
  tenant: string,
  location: string,
): Promise<readonly string[]> {
  const { rows } = await sql<{ file: string }>`
    SELECT unnest(p.files) AS file FROM publications p JOIN tenants t ON t.id = p.tenant_id
    WHERE t.name = ${tenant} AND p.location = ${location}`.execute(db);
  return rows.map((row) => row.file);
}

/** Forgets what a tenant has published in a folder and below it: its files are gone. */
export async function forgetFolder(db: Db, tenant: string, location: string): Promise<void> {
  await sql`
    DELETE FROM publications p USING tenants t
    WHERE t.id = p.tenant_id AND t.name = ${tenant}
      AND (p.location = ${location} OR starts_with(p.location, ${`${location}/`}))`.execute(db);
}

/** Takes files that are gone out of what a tenant has published in a folder. */
export async function forgetFiles(
  db: Db,
  tenant: string,
  location: string,
  keys: readonly string[],
): Promise<void> {
  await sql`
    UPDATE publications p
    SET files = ARRAY(SELECT file FROM unnest(p.files) file WHERE file <> ALL (${keys}::text[]))
    FROM tenants t
    WHERE t.id = p.tenant_id AND t.name = ${tenant} AND p.location = ${location}
      AND p.files && ${keys}::text[]`.execute(db);
}

/** Keeps what the job end will tell. */
export async function setJobResult(db: Db, jobId: number, result: JobResult): Promise<void> {
  await sql`
    UPDATE jobs SET result = ${JSON.stringify(result)}::json, updated_at = now()
    WHERE id = ${jobId}`.execute(db);
}
