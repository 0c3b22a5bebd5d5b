import { sql } from 'kysely';
import type { JobResult } from '../domain/callback.ts';
import type { StorageKind } from '../domain/storage-kind.ts';
import type { Db } from './db.ts';
import type { AssetPlace } from './publications.ts';

/** A file of a fixed name, and the hidden one under which its former content is kept. */
export interface KeptFile {
  readonly key: string;
  readonly keptKey: string;
}

/** A publication that was replaced, and what is needed to put it back. */
export interface FormerPublication extends AssetPlace {
  readonly id: number;
  readonly storage: StorageKind;
  readonly folder: string;
  /** The job that published it; null where no job has: `files` are those of `kept` then. */
  readonly jobId: number | null;
  /** The job that replaced it. */
  readonly replacedBy: number;
  /** Keys of all its files. */
  readonly files: readonly string[];
  /** In the order in which they are put back. */
  readonly kept: readonly KeptFile[];
  /** What its job told; null for one of a version that did not keep it. */
  readonly result: JobResult | null;
}

interface Row {
  id: number;
  tenant_id: number;
  storage: StorageKind;
  folder: string;
  location: string;
  asset: string;
  job_id: number | null;
  replaced_by: number;
  files: string[];
  kept: KeptFile[];
  result: JobResult | null;
}

const COLUMNS = sql.raw(
  'id, tenant_id, storage, folder, location, asset, job_id, replaced_by, files, kept, result',
);

const fromRow = (row: Row): FormerPublication => ({
  id: row.id,
  tenantId: row.tenant_id,
  storage: row.storage,
  folder: row.folder,
  location: row.location,
  asset: row.asset,
  jobId: row.job_id,
  replacedBy: row.replaced_by,
  files: row.files,
  kept: row.kept,
  result: row.result,
});

/** Keeps what was replaced for `windowSeconds`; with 0 it cannot be put back, and its files may be deleted. Returns its id. */
export async function insertFormer(
  transaction: Db,
  former: Omit<FormerPublication, 'id'>,
  windowSeconds: number,
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO former_publications (tenant_id, storage, folder, location, asset, job_id, replaced_by,
                                     files, kept, result, is_purged, kept_until, due_at)
    SELECT ${former.tenantId}, ${former.storage}, ${former.folder}, ${former.location}, ${former.asset},
           ${former.jobId}, ${former.replacedBy}, ${former.files}::text[],
           ${JSON.stringify(former.kept)}::jsonb,
           ${former.result === null ? null : JSON.stringify(former.result)}::json, ${windowSeconds === 0},
           until, until
    FROM (SELECT now() + make_interval(secs => ${windowSeconds}) AS until) AS given
    RETURNING id`.execute(transaction);
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('Postgres kept a former publication without saying its id');
  return id;
}

/** What a job's publication replaced and can still be put back. */
export async function getFormerOf(
  db: Db,
  replacedBy: number,
): Promise<FormerPublication | undefined> {
  const { rows } = await sql<Row>`
    SELECT ${COLUMNS} FROM former_publications WHERE replaced_by = ${replacedBy} AND NOT is_purged
    ORDER BY id DESC LIMIT 1`.execute(db);
  return rows[0] && fromRow(rows[0]);
}

/** The record of what a job's publication replaced, put back or not; undefined where there is none any more. */
export async function getReplacedBy(
  transaction: Db,
  jobId: number,
): Promise<
  | { readonly id: number; readonly kept: readonly KeptFile[]; readonly isPurged: boolean }
  | undefined
> {
  const { rows } = await sql<{ id: number; kept: KeptFile[]; is_purged: boolean }>`
    SELECT id, kept, is_purged FROM former_publications WHERE replaced_by = ${jobId}
    ORDER BY id DESC LIMIT 1`.execute(transaction);
  const row = rows[0];
  return row && { id: row.id, kept: row.kept, isPurged: row.is_purged };
}

/** Ends the time in which older publications of an asset can be put back: a newer one was replaced. */
export async function expireFormers(
  transaction: Db,
  place: AssetPlace,
  exceptReplacedBy: number,
): Promise<void> {
  await sql`
    UPDATE former_publications SET kept_until = least(kept_until, now()), due_at = least(due_at, now())
    WHERE tenant_id = ${place.tenantId} AND location = ${place.location} AND asset = ${place.asset}
      AND replaced_by <> ${exceptReplacedBy}`.execute(transaction);
}

/** Forgets a former publication. */
export async function deleteFormer(db: Db, id: number): Promise<void> {
  await sql`DELETE FROM former_publications WHERE id = ${id}`.execute(db);
}

/**
 * Takes up to `limit` former publications whose time is over, for two minutes: no other sweeper gets them
 * meanwhile, and they cannot be put back any more. Not those that a job is putting back, nor of a job that still
 * runs and deletes them itself.
 */
export async function claimFormers(db: Db, limit: number): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    WITH due AS (
      SELECT id FROM former_publications f
      WHERE due_at <= now()
        AND NOT EXISTS (SELECT FROM jobs WHERE undo_of = f.replaced_by AND ended_at IS NULL)
        AND NOT EXISTS (SELECT FROM jobs WHERE id = f.replaced_by AND ended_at IS NULL)
      ORDER BY failures, due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE former_publications SET is_purged = true, due_at = now() + interval '2 minutes'
    WHERE id IN (SELECT id FROM due) RETURNING id`.execute(db);
  return rows.map((row) => row.id);
}

/** Where the asset of a former publication is; undefined where the record is gone. */
export async function getPlaceOf(db: Db, id: number): Promise<AssetPlace | undefined> {
  const { rows } = await sql<{ tenant_id: number; location: string; asset: string }>`
    SELECT tenant_id, location, asset FROM former_publications WHERE id = ${id}`.execute(db);
  const row = rows[0];
  return row && { tenantId: row.tenant_id, location: row.location, asset: row.asset };
}

/** A former publication whose files are to be deleted; locks its row until the transaction ends. */
export async function lockPurgedFormer(
  transaction: Db,
  id: number,
): Promise<(FormerPublication & { readonly tenant: string }) | undefined> {
  const { rows } = await sql<Row & { tenant: string }>`
    SELECT ${COLUMNS}, (SELECT name FROM tenants WHERE tenants.id = tenant_id) AS tenant
    FROM former_publications WHERE id = ${id} AND is_purged FOR UPDATE`.execute(transaction);
  return rows[0] && { ...fromRow(rows[0]), tenant: rows[0].tenant };
}

/** Keys in a folder that publications on air, or others that can be put back, still need. */
export async function listNeededFiles(
  transaction: Db,
  former: Pick<FormerPublication, 'id' | 'tenantId' | 'location'>,
): Promise<readonly string[]> {
  const { rows } = await sql<{ file: string }>`
    SELECT unnest(files) AS file FROM publications
    WHERE tenant_id = ${former.tenantId} AND location = ${former.location}
    UNION
    SELECT unnest(files) FROM former_publications
    WHERE tenant_id = ${former.tenantId} AND location = ${former.location}
      AND id <> ${former.id} AND NOT is_purged`.execute(transaction);
  return rows.map((row) => row.file);
}

/** Has a claimed record looked at again soon: its folder is being changed. */
export async function postponeFormer(transaction: Db, id: number): Promise<void> {
  await sql`
    UPDATE former_publications SET due_at = now() + interval '5 seconds' WHERE id = ${id}`.execute(
    transaction,
  );
}

/** Notes that the files of a former publication could not be deleted; tried again after a growing wait. */
export async function noteFormerFailure(db: Db, id: number, reason: string): Promise<void> {
  await sql`
    UPDATE former_publications SET failures = failures + 1, last_error = ${reason},
      due_at = now() + least(interval '1 hour', interval '30 seconds' * power(2, least(failures, 10)))
    WHERE id = ${id}`.execute(db);
}
