import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HealthJson } from '../../src/contract/health.ts';
import { inTransaction } from '../../src/store/db.ts';
import { makeClip } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';

let engine: TestEngine;
let waiting: number;

beforeAll(async () => {
  engine = await TestEngine.create({ isStarted: false });
  await makeClip(`${await engine.sourceFolder('clip')}/clip.mp4`, 2);
  await engine.startApi();
});

afterAll(() => engine?.stop());

const health = async (): Promise<HealthJson> =>
  HealthJson.parse(await (await engine.request('/health')).json());

/** Waits until `GET /health` says what is looked for. */
const untilHealth = (what: string, isIt: (found: HealthJson) => boolean): Promise<HealthJson> =>
  until(
    async () => {
      const found = await health();
      return isIt(found) ? found : undefined;
    },
    60,
    what,
  );

const queue = (found: HealthJson, name: string) =>
  found.queues[name] ?? { workers: null, working: null, pending: null };

test('a task that no worker takes is pending in its queue', async () => {
  await engine.startWorker('controller,callback,scheduler');
  waiting = await engine.submit({ content_id: 'a', source_folder: 'clip', output_folder: 'out' });
  // each part is looked at by itself: what they say may be a moment apart
  const found = await untilHealth(
    'a pending task',
    (one) => queue(one, 'work').pending === 1 && one.tasks.pending === 1,
  );
  expect(queue(found, 'work')).toEqual({ workers: 0, working: 0, pending: 1 });
  expect(queue(found, 'controller').workers).toBe(1);
  expect(found.jobs).toMatchObject({ started: 1, completed: 0 });
  expect(found.tasks).toEqual({ failed: 0, pending: 1, processed: 0 });
});

test('a worker counts as soon as it is there, and as working while a task runs', async () => {
  const { db } = engine.database;
  await engine.worker?.stop();
  // a task makes its row its own before it works: it waits there for as long as the test looks
  await inTransaction(db, async (transaction) => {
    await sql`SELECT FROM tasks FOR UPDATE`.execute(transaction);
    await engine.startWorker();
    await untilHealth('a running task', (one) => {
      const { workers, working, pending } = queue(one, 'work');
      return workers === 1 && working === 1 && pending === 0;
    });
  });
  const job = await engine.untilEnded(waiting);
  expect(job).toMatchObject({ failed: false });
  const ended = await untilHealth(
    'the end',
    (one) => one.jobs.completed === 1 && queue(one, 'work').working === 0,
  );
  const { rows } = await sql<{ count: number }>`SELECT count(*) FROM tasks`.execute(db);
  expect(ended.tasks).toEqual({ failed: 0, pending: 0, processed: rows[0]?.count });
});

test('a worker that was stopped, or killed, counts no more though Temporal still lists it', async () => {
  await engine.worker?.stop();
  await untilHealth('no worker after a stop', (one) => queue(one, 'work').workers === 0);
  await engine.startWorker();
  await untilHealth('a worker', (one) => queue(one, 'work').workers === 1);
  process.kill(engine.worker?.pid ?? 0, 'SIGKILL');
  await engine.worker?.ended;
  await untilHealth('no worker after a kill', (one) => queue(one, 'work').workers === 0);
});
