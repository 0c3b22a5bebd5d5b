import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Publication } from '../../../activities/files/publish/publication.ts';
import { claimTask } from '../../../src/store/tasks.ts';
import { createPublication } from '../../../worker/publication.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { TestTask } from '../files/scene.ts';
import { addTenant } from '../../helpers/tenant.ts';

const PUBLICATION: Publication = {
  tenant: 'acme',
  storage: 'S3',
  folder: 'vod/film',
  location: 'S3:https://s3.example.net/media/vod/film',
  asset: 'film',
  files: ['vod/film/film.m3u8'],
  result: { message: 'vod/film/film.m3u8' },
};

let database: TestDatabase;
let tenantId: number;
let task: TestTask;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await addTenant(database.db, 'acme', { sourceStorage: 'S3' });
});

afterAll(() => database.drop());

beforeEach(async () => {
  const { db } = database;
  await sql`TRUNCATE publications`.execute(db);
  const { rows } = await sql<{ id: number }>`
    INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, persist, search_text)
    VALUES (${tenantId}, 'vodstream', 'film', 5, 1, '{}', false, 'film') RETURNING id`.execute(db);
  task = new TestTask(rows[0]?.id ?? 0, 1);
  await sql`
    INSERT INTO tasks (job_id, number, name, event, started_at)
    VALUES (${task.jobId}, ${task.taskNumber}, 'publish', 'start', now())`.execute(db);
  await claimTask(db, task);
});

const published = async (): Promise<number> => {
  const { rows } = await sql`SELECT FROM publications`.execute(database.db);
  return rows.length;
};

/** Ends the connections that are in a transaction and say nothing; returns how many there were. */
const endIdleTransactions = async (): Promise<number> => {
  const { rows } = await sql`
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction'`.execute(database.db);
  return rows.length;
};

const port = () => createPublication({ db: database.db });

test('the owner of its task proves it before every file, and the publication is kept', async () => {
  let files = 0;
  await port().switchOver(task, PUBLICATION, async (proveOwner) => {
    for (; files < 3; files++) await proveOwner();
    return [];
  });
  expect([files, await published()]).toEqual([3, 1]);
});

test('a switch whose connection is lost moves no further file and records nothing', async () => {
  const moved: string[] = [];
  const switching = port().switchOver(task, PUBLICATION, async (proveOwner) => {
    await proveOwner();
    moved.push('film.mp4');
    // Postgres stopped, or the worker was frozen for longer than a transaction may say nothing
    await expect.poll(endIdleTransactions).toBe(1);
    await proveOwner();
    moved.push('film.m3u8');
    return [];
  });
  await expect(switching).rejects.toThrow(/terminat|connection|ECONNRESET|EPIPE/i);
  expect([moved, await published()]).toEqual([['film.mp4'], 0]);
});

test('a later attempt waits for a switch under way, and an earlier one is refused after it', async () => {
  const later = new TestTask(task.jobId, 2);
  let claimed: Promise<boolean> | undefined;
  const order: string[] = [];
  await port().switchOver(task, PUBLICATION, async (proveOwner) => {
    claimed = claimTask(database.db, later).then((isOwner) => {
      order.push('claimed');
      return isOwner;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await proveOwner();
    order.push('switched');
    return [];
  });
  expect(await claimed).toBe(true);
  expect(order).toEqual(['switched', 'claimed']);
  let isRun = false;
  const again = port().switchOver(task, PUBLICATION, async () => {
    isRun = true;
    return [];
  });
  await expect(again).rejects.toMatchObject({ type: 'Superseded' });
  expect(isRun).toBe(false);
});
