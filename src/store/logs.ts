import { sql } from 'kysely';
import { maskUrlsIn } from '../domain/mask.ts';
import { SEVERITIES, type Severity } from '../domain/severity.ts';
import type { Db } from './db.ts';

/** The part of the engine that wrote a row (contract §5). */
export type Progname = 'api' | 'controller' | 'scheduler' | 'worker' | 'callback';

/** A row of a job's log. */
export interface LogRow {
  readonly id: number;
  readonly jobId: number;
  readonly taskId: number | null;
  readonly severity: Severity;
  readonly progname: Progname;
  readonly message: string;
  readonly isVisible: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a new row says. */
export interface NewLogRow {
  readonly jobId: number;
  readonly taskId?: number;
  readonly severity: Severity;
  readonly progname: Progname;
  readonly message: string;
  /** False: shown only with `show_all=1`. Default true. */
  readonly isVisible?: boolean;
}

/** Adds a row to a job's log. */
export async function insertLog(db: Db, row: NewLogRow): Promise<void> {
  await sql`
    INSERT INTO logs (job_id, task_id, severity, progname, message, visible)
    VALUES (${row.jobId}, ${row.taskId ?? null}, ${SEVERITIES.indexOf(row.severity)},
            ${row.progname}, ${logText(row.message)}, ${row.isVisible ?? true})`.execute(db);
}

/** Adds rows to jobs' logs, in their order, in one statement. */
export async function insertLogs(db: Db, rows: readonly NewLogRow[]): Promise<void> {
  if (rows.length === 0) return;
  const column = <Value>(value: (row: NewLogRow) => Value): Value[] => rows.map(value);
  await sql`
    INSERT INTO logs (job_id, task_id, severity, progname, message, visible)
    SELECT job_id, task_id, severity, progname, message, visible FROM unnest(
      ${column((row) => row.jobId)}::bigint[], ${column((row) => row.taskId ?? null)}::bigint[],
      ${column((row) => SEVERITIES.indexOf(row.severity))}::smallint[],
      ${column((row) => row.progname)}::text[], ${column((row) => logText(row.message))}::text[],
      ${column((row) => row.isVisible ?? true)}::boolean[]
    ) WITH ORDINALITY AS row (job_id, task_id, severity, progname, message, visible, at)
    ORDER BY at`.execute(db);
}

/** The rows of a job's log, oldest first. */
export async function listLogs(
  db: Db,
  jobId: number,
  options: { readonly withInvisible: boolean },
): Promise<readonly LogRow[]> {
  const { rows } = await sql<{
    id: number;
    job_id: number;
    task_id: number | null;
    severity: number;
    progname: Progname;
    message: string;
    visible: boolean;
    created_at: Date;
    updated_at: Date;
  }>`
    SELECT id, job_id, task_id, severity, progname, message, visible, created_at, updated_at
    FROM logs WHERE job_id = ${jobId} AND (visible OR ${options.withInvisible}) ORDER BY id`.execute(
    db,
  );
  return rows.map((row) => ({
    id: row.id,
    jobId: row.job_id,
    taskId: row.task_id,
    severity: SEVERITIES[row.severity] ?? 'FATAL',
    progname: row.progname,
    message: row.message,
    isVisible: row.visible,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }));
}

/** Postgres text holds no NUL; a tool's error message may. */
export const withoutNul = (text: string): string => text.replaceAll('\u0000', '\uFFFD');

/** A text as logs keep it: signatures and tokens of URLs masked, without NUL. */
export const logText = (text: string): string => withoutNul(maskUrlsIn(text));
