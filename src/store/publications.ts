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

/** What is on air of an asset. */
export interface PublishedAsset {
  readonly jobId: number;
  readonly files: readonly string[];
  readonly result: JobResult | null;
}

/** Sets what is on air of an asset. */
export async function putPublication(
  transaction: Db,
  place: AssetPlace,
  { jobId, files, result }: PublishedAsset,
): Promise<void> {
  await sql`
    INSERT INTO publications (tenant_id, location, asset, job_id, files, result)
    VALUES (${place.tenantId}, ${place.location}, ${place.asset}, ${jobId}, ${files}::text[],
            ${result === null ? null : JSON.stringify(result)}::json)
    ON CONFLICT (tenant_id, location, asset) DO UPDATE
      SET job_id = excluded.job_id, files = excluded.files, published_at = now(),
        result = excluded.result`.execute(transaction);
}

/** What is on air of an asset; undefined where it was never published. */
export async function getPublication(
  db: Db,
  place: AssetPlace,
): Promise<PublishedAsset | undefined> {
  const { rows } = await sql<{ job_id: number; files: string[]; result: JobResult | null }>`
    SELECT job_id, files, result FROM publications
    WHERE tenant_id = ${place.tenantId} AND location = ${place.location} AND asset = ${place.asset}`.execute(
    db,
  );
  const row = rows[0];
  return row && { jobId: row.job_id, files: row.files, result: row.result };
}

/** Forgets what is on air of an asset: what is there now no job has published. */
export async function forgetPublication(transaction: Db, place: AssetPlace): Promise<void> {
  await sql`
    DELETE FROM publications
    WHERE tenant_id = ${place.tenantId} AND location = ${place.location} AND asset = ${place.asset}`.execute(
    transaction,
  );
}

/**
 * Keys of all files that publications of any asset have in a folder, those among them that can be put
 * back.
 */
export async function listPublishedFiles(
  db: Db,
  tenant: string,
  location: string,
): Promise<readonly string[]> {
  const { rows } = await sql<{ file: string }>`
    SELECT unnest(p.files) AS file FROM publications p JOIN tenants t ON t.id = p.tenant_id
    WHERE t.name = ${tenant} AND p.location = ${location}
    UNION
    SELECT unnest(f.files) FROM former_publications f JOIN tenants t ON t.id = f.tenant_id
    WHERE t.name = ${tenant} AND f.location = ${location} AND f.kept_until > now()`.execute(db);
  return rows.map((row) => row.file);
}

const isOther = (place: AssetPlace) =>
  sql`tenant_id = ${place.tenantId} AND location = ${place.location} AND asset <> ${place.asset}`;

/**
 * Keys of files in an asset's folder that other assets have published after it: where it had files of these
 * names, they were overwritten.
 */
export async function listTakenFiles(db: Db, place: AssetPlace): Promise<readonly string[]> {
  const { rows } = await sql<{ file: string }>`
    SELECT unnest(files) AS file FROM publications
    WHERE ${isOther(place)} AND published_at > (
      SELECT published_at FROM publications
      WHERE tenant_id = ${place.tenantId} AND location = ${place.location} AND asset = ${place.asset}
    )`.execute(db);
  return rows.map((row) => row.file);
}

/**
 * Forgets all other assets that a tenant has published in a folder; what could be put back of them is
 * deleted by the next sweep.
 */
export async function forgetOthers(transaction: Db, place: AssetPlace): Promise<void> {
  const others = isOther(place);
  await sql`DELETE FROM publications WHERE ${others}`.execute(transaction);
  await sql`
    UPDATE former_publications SET kept_until = least(kept_until, now()), due_at = least(due_at, now())
    WHERE ${others}`.execute(transaction);
}

/** Forgets what a tenant has published in a folder and below it: its files are gone. */
export async function forgetFolder(db: Db, tenant: string, location: string): Promise<void> {
  for (const table of [sql.table('publications'), sql.table('former_publications')]) {
    await sql`
      DELETE FROM ${table} p USING tenants t
      WHERE t.id = p.tenant_id AND t.name = ${tenant}
        AND (p.location = ${location} OR starts_with(p.location, ${`${location}/`}))`.execute(db);
  }
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
