import { sql } from 'kysely';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addTenant } from '../../helpers/tenant.ts';

/** A database whose jobs a test makes in the states it needs. */
export class JobRows {
  readonly database: TestDatabase;
  readonly #tenantId: number;

  private constructor(database: TestDatabase, tenantId: number) {
    this.database = database;
    this.#tenantId = tenantId;
  }

  static async create(): Promise<JobRows> {
    const database = await createTestDatabase();
    return new JobRows(database, await addTenant(database.db));
  }

  get db() {
    return this.database.db;
  }

  /** A started job with one open task, number 1. */
  async start(): Promise<number> {
    const { rows } = await sql<{ id: number }>`
      INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, persist, search_text)
      VALUES (${this.#tenantId}, 'vodstream', 'film', 5, 1, '{}', false, 'film') RETURNING id`.execute(
      this.db,
    );
    const jobId = rows[0]?.id ?? 0;
    await sql`
      INSERT INTO tasks (job_id, number, name, event, started_at)
      VALUES (${jobId}, 1, 'generate_mp4', 'start', now())`.execute(this.db);
    return jobId;
  }

  /** Says of a job that it is paused, or another state that has not ended. */
  async setState(jobId: number, queueState: number): Promise<void> {
    await sql`UPDATE jobs SET queue_state = ${queueState} WHERE id = ${jobId}`.execute(this.db);
  }

  async end(jobId: number): Promise<void> {
    await sql`UPDATE jobs SET queue_state = 2, ended_at = now() WHERE id = ${jobId}`.execute(
      this.db,
    );
  }

  async clear(jobId: number): Promise<void> {
    await sql`DELETE FROM jobs WHERE id = ${jobId}`.execute(this.db);
  }
}
