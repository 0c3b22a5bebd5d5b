import { sql } from 'kysely';
import { SEVERITIES } from '../domain/severity.ts';
import type { StorageKind } from '../domain/storage-kind.ts';
import { type Db, executePrepared } from './db.ts';
import { logText } from './logs.ts';
import type { AssetPlace } from './publications.ts';

/** What a publish writes. */
export interface Uploads {
  readonly tenant: string;
  readonly storage: StorageKind;
  /** Output folder, canonical. */
  readonly folder: string;
  /** Where the output folder is, see `locationOf`. */
  readonly location: string;
  /** Stem of the asset's names. */
  readonly asset: string;
  /** Uploaded before the switch: named for the job, or hidden. */
  readonly keys: readonly string[];
  /** Written by the switch, under names that other publications use too. */
  readonly fixedKeys: readonly string[];
  /** Those of `fixedKeys` that were not there before the switch, with their lengths in bytes. */
  readonly made: Readonly<Record<string, number>>;
}

/** Uploads whose task has ended without a publication. */
export interface LeftUploads extends Uploads {
  readonly jobId: number;
  readonly taskNumber: number;
  readonly tenantId: number;
  /** Tries to take them back that failed, since the last that did not. */
  readonly attempts: number;
  /** Whether everything was taken back once already, or the asset was published anew: nothing is put back any more. */
  readonly isTakenBack: boolean;
}

interface Row {
  job_id: number;
  task_number: number;
  tenant_id: number;
  tenant: string;
  storage: StorageKind;
  folder: string;
  location: string;
  asset: string;
  keys: string[];
  fixed_keys: string[];
  made: Record<string, number>;
  attempts: number;
  taken_back_at: Date | null;
}

const fromRow = (row: Row): LeftUploads => ({
  jobId: row.job_id,
  taskNumber: row.task_number,
  tenantId: row.tenant_id,
  tenant: row.tenant,
  storage: row.storage,
  folder: row.folder,
  location: row.location,
  asset: row.asset,
  keys: row.keys,
  fixedKeys: row.fixed_keys,
  made: row.made,
  attempts: row.attempts,
  isTakenBack: row.taken_back_at !== null,
});

const COLUMNS = sql.raw(`
  job_id, task_number, tenant_id, tenants.name AS tenant, storage, folder, location, asset, keys,
  fixed_keys, made, attempts, taken_back_at`);

/** Nobody may be writing any more: a task that has ended is never open again. */
const HAS_ENDED = sql`NOT EXISTS (
  SELECT FROM tasks WHERE tasks.job_id = uploads.job_id AND number = task_number AND ended_at IS NULL)`;

/** The job and the task that write. */
interface Writer {
  readonly jobId: number;
  readonly taskNumber: number;
}

const isOf = ({ jobId, taskNumber }: Writer) =>
  sql`job_id = ${jobId} AND task_number = ${taskNumber}`;

/** Keeps what a task is about to write, together with what its earlier attempts were about to write. */
export const putUploads = (db: Db, writer: Writer, uploads: Uploads): Promise<void> =>
  upsertUploads(db, writer, uploads, false);

async function upsertUploads(
  db: Db,
  writer: Writer,
  uploads: Uploads,
  isEnded: boolean,
): Promise<void> {
  await sql`
    INSERT INTO uploads (job_id, task_number, tenant_id, storage, folder, location, asset, keys, fixed_keys, made,
                         taken_back_at)
    SELECT ${writer.jobId}, ${writer.taskNumber}, id, ${uploads.storage}, ${uploads.folder},
           ${uploads.location}, ${uploads.asset}, ${uploads.keys}::text[], ${uploads.fixedKeys}::text[],
           ${JSON.stringify(uploads.made)}::jsonb, CASE WHEN ${isEnded} THEN now() END
    FROM tenants WHERE name = ${uploads.tenant}
    ON CONFLICT (job_id, task_number) DO UPDATE SET
      keys = ARRAY(SELECT unnest(uploads.keys) UNION SELECT unnest(excluded.keys)),
      fixed_keys = ARRAY(SELECT unnest(uploads.fixed_keys) UNION SELECT unnest(excluded.fixed_keys)),
      made = uploads.made || excluded.made,
      attempts = 0, last_error = NULL, due_at = now(),
      taken_back_at = CASE WHEN ${isEnded} THEN uploads.taken_back_at END`.execute(db);
}

/**
 * {@link putUploads} of an attempt that was cut off: only where its task has ended meanwhile. Where nothing is on
 * record any more, all was published or taken back, and only what has come since is to go.
 */
export async function putEndedUploads(db: Db, writer: Writer, uploads: Uploads): Promise<void> {
  const { rows } = await sql`
    SELECT FROM tasks WHERE job_id = ${writer.jobId} AND number = ${writer.taskNumber}
      AND ended_at IS NULL`.execute(db);
  if (rows.length === 0) await upsertUploads(db, writer, uploads, true);
}

/** The files that the switch of a task has made, see {@link Uploads.made}. */
export async function getMadeFiles(db: Db, writer: Writer): Promise<Uploads['made']> {
  const { rows } = await sql<Pick<Row, 'made'>>`
    SELECT made FROM uploads WHERE ${isOf(writer)}`.execute(db);
  return rows[0]?.made ?? {};
}

/** Forgets what a task has written: it is published, or taken back. */
export async function deleteUploads(db: Db, writer: Writer): Promise<void> {
  await sql`DELETE FROM uploads WHERE ${isOf(writer)}`.execute(db);
}

/**
 * Lets what others have left of an asset be looked at soon: what kept it on air is replaced. It counts as taken
 * back: what a switch of theirs has overwritten must not be put back over the asset that is on air now.
 */
export async function overtakeUploads(db: Db, place: AssetPlace, writer: Writer): Promise<void> {
  await sql`
    UPDATE uploads SET due_at = now(), taken_back_at = coalesce(taken_back_at, now())
    WHERE tenant_id = ${place.tenantId} AND location = ${place.location} AND asset = ${place.asset}
      AND job_id <> ${writer.jobId}`.execute(db);
}

/** Numbers of a job's tasks that have ended and left uploads. */
export async function listLeftUploads(db: Db, jobId: number): Promise<readonly number[]> {
  const { rows } = await executePrepared(
    db,
    'list_left_uploads',
    sql<{ task_number: number }>`
    SELECT task_number FROM uploads
    WHERE job_id = ${jobId} AND taken_back_at IS NULL AND ${HAS_ENDED} ORDER BY task_number`,
  );
  return rows.map((row) => row.task_number);
}

/** What ended tasks have left in a tenant's folder and nobody has taken back. */
export async function listUploadsLeftIn(
  db: Db,
  tenant: string,
  location: string,
): Promise<readonly Writer[]> {
  const { rows } = await sql<{ job_id: number; task_number: number }>`
    SELECT job_id, task_number FROM uploads JOIN tenants ON tenants.id = tenant_id
    WHERE tenants.name = ${tenant} AND location = ${location} AND taken_back_at IS NULL AND ${HAS_ENDED}
    ORDER BY uploads.created_at`.execute(db);
  return rows.map((row) => ({ jobId: row.job_id, taskNumber: row.task_number }));
}

/** Takes hold, until the transaction ends, of what a task has left; undefined where somebody else has. */
export async function lockLeftUploads(
  transaction: Db,
  writer: Writer,
): Promise<LeftUploads | undefined> {
  const { rows } = await sql<Row>`
    SELECT ${COLUMNS} FROM uploads JOIN tenants ON tenants.id = tenant_id
    WHERE ${isOf(writer)} AND ${HAS_ENDED}
    FOR UPDATE OF uploads SKIP LOCKED`.execute(transaction);
  return rows[0] && fromRow(rows[0]);
}

/** A storage of a tenant, as {@link lockNextUploads} tells them apart. */
export const storageOf = (one: Pick<LeftUploads, 'tenantId' | 'storage'>): string =>
  `${one.tenantId}/${one.storage}`;

/**
 * Takes hold, until the transaction ends, of uploads that were left and are due, not of `busy` storages; those
 * first that have failed least often.
 */
export async function lockNextUploads(
  transaction: Db,
  busy: readonly string[],
): Promise<LeftUploads | undefined> {
  const { rows } = await sql<Row>`
    SELECT ${COLUMNS} FROM uploads JOIN tenants ON tenants.id = tenant_id
    WHERE due_at <= now() AND tenant_id || '/' || storage <> ALL (${busy}::text[]) AND ${HAS_ENDED}
    ORDER BY attempts, due_at LIMIT 1
    FOR UPDATE OF uploads SKIP LOCKED`.execute(transaction);
  return rows[0] && fromRow(rows[0]);
}

/** What is still to be taken back, and when to look. */
export async function postponeUploads(
  db: Db,
  writer: Writer,
  next: {
    readonly keys: readonly string[];
    readonly isTakenBack: boolean;
    readonly seconds: number;
  },
): Promise<void> {
  await sql`
    UPDATE uploads SET keys = ${next.keys}::text[], attempts = 0, last_error = NULL,
      taken_back_at = CASE WHEN ${next.isTakenBack} THEN coalesce(taken_back_at, now()) END,
      due_at = now() + make_interval(secs => ${next.seconds})
    WHERE ${isOf(writer)}`.execute(db);
}

/** Keeps why uploads could not be taken back, and when to try again. */
export async function failUploads(
  db: Db,
  writer: Writer,
  failure: { readonly message: string; readonly seconds: number },
): Promise<void> {
  await sql`
    UPDATE uploads SET attempts = attempts + 1, last_error = ${logText(failure.message)},
      due_at = now() + make_interval(secs => ${failure.seconds})
    WHERE ${isOf(writer)}`.execute(db);
}

/** Adds a row to the log of a job that may have been cleared meanwhile. */
export async function tellOfUploads(
  db: Db,
  jobId: number,
  severity: 'INFO' | 'WARN',
  message: string,
): Promise<void> {
  await sql`
    INSERT INTO logs (job_id, severity, progname, message)
    SELECT id, ${SEVERITIES.indexOf(severity)}::smallint, 'worker', ${logText(message)}
    FROM jobs WHERE id = ${jobId}`.execute(db);
}
