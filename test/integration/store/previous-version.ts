import pg from 'pg';

/** The schema that version 0.1.0 knows. */
export const PREVIOUS_LAST_MIGRATION = '0002_replaced_files';

/**
 * What version 0.1.0 does to the database, with its statements as that version has them: while a newer
 * one migrates, an api and workers of it go on. A statement that waits longer than 3 s fails.
 */
export class PreviousVersion {
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 10, statement_timeout: 3000 });
    this.#pool.on('error', () => undefined);
  }

  /** `POST /job`, its log rows and its stream. */
  async submit(tenantId: number, contentId: string): Promise<number> {
    const { rows } = await this.#pool.query<{ id: string }>(
      `WITH job AS (
         INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, custom_data,
                           run_at, semaphore_url, persist, search_text)
         VALUES ($1, 'vodstream', $2, 5, 0, '{}', NULL, NULL, NULL, false, $2) RETURNING id
       ), added AS (
         INSERT INTO endpoints (tenant_id, origin) VALUES ($1, 'http://127.0.0.1:1')
         ON CONFLICT (tenant_id, origin) DO UPDATE SET origin = excluded.origin RETURNING id
       ), stream AS (
         INSERT INTO streams (job_id, endpoint_id, url)
         SELECT job.id, added.id, 'http://127.0.0.1:1/callback' FROM job, added
       ), log AS (
         INSERT INTO logs (job_id, severity, progname, message) SELECT id, 1, 'api', 'Job accepted' FROM job
       )
       SELECT id FROM job`,
      [tenantId, contentId],
    );
    return Number(rows[0]?.id);
  }

  /** Admission, a task of the job, and its end, in their transactions. */
  async run(tenantId: number, jobId: number): Promise<void> {
    await this.#inTransaction(async (client) => {
      await client.query(`SELECT FROM tenants WHERE id = $1 FOR NO KEY UPDATE`, [tenantId]);
      await client.query(
        `UPDATE jobs SET queue_state = 1, updated_at = clock_timestamp(), started_at = clock_timestamp()
         WHERE id = $1`,
        [jobId],
      );
      await client.query(`INSERT INTO outbox (job_id, kind) VALUES ($1, 'start')`, [jobId]);
    });
    await this.#pool.query(
      `WITH done AS (DELETE FROM outbox WHERE job_id = $1)
       UPDATE jobs SET dispatched_at = now() WHERE id = $1`,
      [jobId],
    );
    await this.#pool.query(
      `INSERT INTO tasks (job_id, number, name, event, started_at) VALUES ($1, 1, 'package', 'start', now())`,
      [jobId],
    );
    await this.#pool.query(
      `UPDATE tasks SET event = 'complete', ended_at = now() WHERE job_id = $1 AND number = 1`,
      [jobId],
    );
    await this.#inTransaction(async (client) => {
      await client.query(
        `UPDATE jobs SET queue_state = 2, ended_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE id = $1`,
        [jobId],
      );
      await client.query(
        `WITH event AS (
           INSERT INTO events (job_id, task_number, is_end, body) VALUES ($1, 0, true, '{}') RETURNING id
         )
         INSERT INTO deliveries (stream_id, event_id)
         SELECT streams.id, event.id FROM streams, event WHERE job_id = $1`,
        [jobId],
      );
      await client.query(`SELECT FROM tenants WHERE id = $1 FOR NO KEY UPDATE`, [tenantId]);
    });
  }

  /** `GET /jobs` with a search; the number of jobs found. */
  async list(tenantId: number): Promise<number> {
    const { rowCount } = await this.#pool.query(
      `SELECT jobs.id, tenant_id, tenants.name, workflow, content_id, priority, queue_state, failed, run_at,
              semaphore_url, persist, message, jobs.created_at, updated_at, started_at, ended_at
       FROM jobs JOIN tenants ON tenants.id = tenant_id
       WHERE tenant_id = $1 AND search_text ILIKE '%c%' ORDER BY jobs.id DESC LIMIT 10`,
      [tenantId],
    );
    return rowCount ?? 0;
  }

  async query(text: string): Promise<readonly Record<string, unknown>[]> {
    return (await this.#pool.query<Record<string, unknown>>(text)).rows;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #inTransaction(work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      await work(client);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }
}
