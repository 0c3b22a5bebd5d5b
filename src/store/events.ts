import { sql } from 'kysely';
import type { TaskEventName } from '../domain/callback.ts';
import { JOB_STATES } from '../domain/job-state.ts';
import { type Db, executePrepared } from './db.ts';
import { CHANNELS } from './listen.ts';
import { SEVERITIES } from '../domain/severity.ts';
import { logText, withoutNul } from './logs.ts';

/** A task event on its way into the store. */
export interface NewTaskEvent {
  readonly taskNumber: number;
  readonly taskId: number;
  readonly taskName: string;
  readonly event: TaskEventName;
  readonly message: string;
  /** Frozen callback text. */
  readonly body: string;
  readonly timeMs: number;
  /** Row for the job's log. */
  readonly logMessage: string;
}

/** What came of recording task events. */
export interface RecordedEvents {
  /** The job is paused: no task may start. */
  readonly isPaused: boolean;
  /** Numbers of the tasks whose start was not recorded, because the job is paused. */
  readonly heldTasks: readonly number[];
}

/**
 * Records task events of one job, in their order, in one statement: the tasks' rows, the events, a
 * delivery to each URL, and log rows. An event that is there already is left as it is, so recording
 * again, after a lost answer or a reset, tells nothing twice. The start of a task of a paused job is
 * held back.
 */
export async function insertTaskEvents(
  db: Db,
  jobId: number,
  events: readonly NewTaskEvent[],
): Promise<RecordedEvents> {
  const input = JSON.stringify(
    events.map((event, order) => ({
      ord: order,
      number: event.taskNumber,
      task_id: event.taskId,
      name: event.taskName,
      event: event.event,
      is_end: event.event !== 'start',
      message: withoutNul(event.message),
      body: event.body,
      at: new Date(event.timeMs).toISOString(),
      log_message: logText(event.logMessage),
      severity: SEVERITIES.indexOf(event.event === 'fail' ? 'ERROR' : 'INFO'),
    })),
  );
  const { rows } = await executePrepared(
    db,
    'insert_task_events',
    sql<{ is_paused: boolean; held: number[] }>`
    WITH job AS (
      SELECT queue_state = ${JOB_STATES.paused} AS is_paused FROM jobs WHERE id = ${jobId}
    ), given AS (
      SELECT * FROM json_to_recordset(${input}::json) AS e (
        ord integer, number smallint, task_id bigint, name text, event text, is_end boolean,
        message text, body text, at timestamptz, log_message text, severity smallint)
    ), input AS (
      SELECT given.* FROM given, job WHERE is_end OR NOT is_paused
    ), event AS (
      INSERT INTO events (job_id, task_number, is_end, body)
      SELECT ${jobId}::bigint, number, is_end, body FROM input ORDER BY ord
      ON CONFLICT (job_id, task_number, is_end) DO NOTHING
      RETURNING id, task_number, is_end
    ), fresh AS (
      SELECT input.* FROM input JOIN event ON task_number = number AND event.is_end = input.is_end
    ), task AS (
      INSERT INTO tasks (job_id, number, name, event, message, started_at, ended_at)
      SELECT ${jobId}::bigint, number, name, event, message, at, CASE WHEN is_end THEN at END FROM fresh
      ON CONFLICT (job_id, number) DO UPDATE
        SET event = excluded.event, message = excluded.message, ended_at = excluded.ended_at
        WHERE tasks.ended_at IS NULL
    ), log AS (
      INSERT INTO logs (job_id, task_id, severity, progname, message)
      SELECT ${jobId}::bigint, task_id, severity, 'controller', log_message FROM fresh ORDER BY ord
    ), ${deliverToStreams(jobId)}, told AS (
      ${notifyEndpoints}
    )
    SELECT is_paused, ARRAY(
      SELECT number FROM given
      WHERE is_paused AND NOT is_end AND NOT EXISTS (
        SELECT FROM events WHERE job_id = ${jobId} AND task_number = number AND NOT events.is_end)
    ) AS held
    FROM job LEFT JOIN told ON true`,
  );
  return { isPaused: rows[0]?.is_paused ?? false, heldTasks: rows[0]?.held ?? [] };
}

/** The part of a statement that gives what its `event` part has added to each of the job's streams. */
const deliverToStreams = (jobId: number) => sql`
    stream AS (
      UPDATE streams SET due_at = CASE WHEN is_stopped THEN due_at ELSE coalesce(due_at, now()) END
      WHERE job_id = ${jobId} AND EXISTS (SELECT FROM event)
      RETURNING id, is_stopped, endpoint_id
    ), delivery AS (
      INSERT INTO deliveries (stream_id, event_id, state)
      SELECT stream.id, event.id, CASE WHEN is_stopped THEN 'stopped' ELSE 'pending' END
      FROM event CROSS JOIN stream
      RETURNING id
    )`;

/** Tells who sends to the endpoints of the `stream` part, once its `delivery` part has added something. */
const notifyEndpoints = sql`
      SELECT pg_notify(${CHANNELS.deliveries}, string_agg(DISTINCT endpoint_id::text, ','))
      FROM stream WHERE EXISTS (SELECT FROM delivery) HAVING count(*) > 0`;

/** Adds the job's own end event; false where the job had one already. */
export async function insertJobEndEvent(db: Db, jobId: number, body: string): Promise<boolean> {
  const { rows } = await executePrepared(
    db,
    'insert_job_end',
    sql<{ id: number }>`
    WITH event AS (
      INSERT INTO events (job_id, task_number, is_end, body) VALUES (${jobId}, 0, true, ${body})
      ON CONFLICT (job_id, task_number, is_end) DO NOTHING
      RETURNING id
    ), ${deliverToStreams(jobId)}, told AS (
      ${notifyEndpoints}
    )
    SELECT id FROM event LEFT JOIN told ON true`,
  );
  return rows.length > 0;
}
