import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Db } from '../../../src/store/db.ts';
import { claimTask } from '../../../src/store/tasks.ts';
import { TestTask } from './scene.ts';

/** Jobs of one tenant that run without Temporal: their rows are real, their tasks are what a test calls. */
export class RunningJobs {
  private readonly db: Db;
  readonly tenantId: number;

  constructor(db: Db, tenantId: number) {
    this.db = db;
    this.tenantId = tenantId;
  }

  /** Sets the tenant's `undo_window`. */
  async setWindow(seconds: number): Promise<void> {
    await sql`
      INSERT INTO settings (tenant_id, name, setting) VALUES (${this.tenantId}, 'undo_window', ${seconds})
      ON CONFLICT (tenant_id, name) DO UPDATE SET setting = excluded.setting`.execute(this.db);
  }

  /** Makes a job that runs. */
  async insert(): Promise<number> {
    const { rows } = await sql<{ id: number }>`
      INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, persist, search_text)
      VALUES (${this.tenantId}, 'vodstream', 'film 1', 5, 1, '{}', false, 'film') RETURNING id`.execute(
      this.db,
    );
    return rows[0]?.id ?? 0;
  }

  /** Starts a task of a job and makes its first attempt the owner. */
  async startTask(jobId: number): Promise<TestTask> {
    const task = new TestTask(jobId);
    await sql`
      INSERT INTO tasks (job_id, number, name, event, started_at)
      VALUES (${jobId}, ${task.taskNumber}, 'task', 'start', now())`.execute(this.db);
    await claimTask(this.db, task);
    return task;
  }

  /** The next attempt of a task, as its owner. */
  async retry(task: TestTask): Promise<TestTask> {
    const next = new TestTask(task.jobId, task.attempt + 1);
    expect(await claimTask(this.db, next)).toBe(true);
    return next;
  }

  /** Ends a job. */
  async end(jobId: number, isFailed = false): Promise<void> {
    await sql`
      WITH task AS (UPDATE tasks SET ended_at = now() WHERE job_id = ${jobId})
      UPDATE jobs SET queue_state = 2, failed = ${isFailed}, ended_at = now() WHERE id = ${jobId}`.execute(
      this.db,
    );
  }
}
