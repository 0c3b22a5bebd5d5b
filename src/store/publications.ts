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

/** Sets an asset's files and returns those of the publication it replaces (none for the first). */
export async function replacePublication(
  transaction: Db,
  place: AssetPlace,
  jobId: number,
  files: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ files: string[] }>`
    SELECT files FROM publications
    WHERE tenant_id = ${place.tenantId} AND location = ${place.location} AND asset = ${place.asset}
    FOR UPDATE`.execute(transaction);
  await sql`
    INSERT INTO publications (tenant_id, location, asset, job_id, files)
    VALUES (${place.tenantId}, ${place.location}, ${place.asset}, ${jobId}, ${files}::text[])
    ON CONFLICT (tenant_id, location, asset) DO UPDATE
      SET job_id = excluded.job_id, files = excluded.files, published_at = now()`.execute(
    transaction,
  );
  return rows[0]?.files ?? [];
}

/** Keeps what the job end will tell. */
export async function setJobResult(db: Db, jobId: number, result: JobResult): Promise<void> {
  await sql`
    UPDATE jobs SET result = ${JSON.stringify(result)}::json, updated_at = now()
    WHERE id = ${jobId}`.execute(db);
}
