import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { putSetting } from '../../src/store/settings.ts';
import { CallbackSink, orderFaults } from '../helpers/callback-sink.ts';
import { until } from '../helpers/engine.ts';
import { SubmittingClient } from '../helpers/submitting-client.ts';
import { type PieceName, World } from '../helpers/world.ts';

const SLOTS = 20;

let world: World;
let sink: CallbackSink;
let client: SubmittingClient;

beforeAll(async () => {
  sink = await new CallbackSink().start();
  world = await World.create();
  for (const name of ['postgres', 'temporal', 'api', 'worker'] as const) await world.start(name);
  await putSetting(world.db, 1, 'max_jobs', String(SLOTS));
  client = new SubmittingClient(world.apiUrl, sink.url());
});

afterAll(async () => {
  await world.stop();
  await sink.close();
});

/** Times of recovery are told, not judged: they are the machine's. */
const report = (text: string): void => void process.stdout.write(`${text}\n`);

/** Milliseconds until a job that is submitted now, before all others, has run and ended. */
async function probe(): Promise<number> {
  const startedAt = performance.now();
  const jobId = await client.submit(1);
  await untilEnded([jobId]);
  return Math.round(performance.now() - startedAt);
}

async function openJobs(jobIds: readonly number[]): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM jobs WHERE id = ANY (${jobIds}::bigint[]) AND ended_at IS NULL`.execute(
    world.db,
  );
  return rows.map((row) => row.id);
}

/** Work that makes no sense any more once a process has ended by itself. */
const whole = <Result>(work: Promise<Result>): Promise<Result> =>
  Promise.race([work, world.broken]);

const untilEnded = (jobIds: readonly number[]): Promise<true> =>
  until(
    async () => {
      const open = await openJobs(jobIds).catch(() => jobIds);
      return open.length === 0 ? true : undefined;
    },
    120,
    'jobs to end',
  );

/** Everything that was accepted ended, once, for its own reason, and was told once to its URL. */
async function expectNothingLost(): Promise<void> {
  const accepted = [...client.accepted.values()];
  expect(new Set(accepted).size).toBe(accepted.length);
  await untilEnded(accepted);
  const { rows: jobs } = await sql<{
    id: number;
    content_id: string;
    message: string;
    ends: number;
  }>`
    SELECT id, content_id, message,
           (SELECT count(*) FROM events WHERE job_id = jobs.id AND task_number = 0) AS ends
    FROM jobs ORDER BY id`.execute(world.db);
  // as many jobs as submissions: none made twice by a client that tried again
  expect(jobs.map((job) => job.content_id).sort()).toEqual([...client.accepted.keys()].sort());
  for (const job of jobs) {
    expect(client.accepted.get(job.content_id)).toBe(job.id);
    expect([job.id, job.ends]).toEqual([job.id, 1]);
    expect(job.message).toContain('missing/');
  }
  await until(
    async () => {
      const { rows } = await sql`SELECT 1 AS one FROM outbox LIMIT 1`.execute(world.db);
      return rows.length === 0 || undefined;
    },
    60,
    'the outbox to be empty',
  );
  await expectOneExecutionEach(accepted);
  for (const jobId of accepted) {
    await until(async () => sink.hasEnd(jobId) || undefined, 120, `the end of job ${jobId}`);
    // a sender that was killed behind the answer sends the same bytes again
    const bodies = sink.delivered(jobId).map((body) => JSON.stringify(body));
    expect(orderFaults([...new Set(bodies)].map((text) => JSON.parse(text)))).toEqual([]);
  }
}

async function expectOneExecutionEach(jobIds: readonly number[]): Promise<void> {
  const connection = await Connection.connect({ address: world.temporalAddress });
  try {
    const { workflow } = new Client({ connection });
    // an execution closes a moment after it has ended its job
    const found = await until(
      async () => {
        const ids: string[] = [];
        for await (const one of workflow.list({ query: `WorkflowType = 'vodstream'` })) {
          if (one.status.name === 'RUNNING') return undefined;
          ids.push(one.workflowId);
        }
        return ids;
      },
      60,
      'all executions to close',
    );
    expect(found.sort()).toEqual(jobIds.map((id) => `job-${id}`).sort());
  } finally {
    await connection.close();
  }
}

/** Kills a piece some times while jobs are submitted, and starts it again. */
async function underLoad(name: PieceName, times: number): Promise<void> {
  let isOver = false;
  // about as many as the machine runs
  const load = client.submitMany({ lanes: 2, isOver: () => isOver, pauseMs: 500 });
  const recoveries: number[] = [];
  for (let at = 0; at < times; at++) {
    await delay(1000);
    await world.kill(name);
    await delay(500);
    const startedAt = performance.now();
    await world.start(name);
    await probe();
    recoveries.push(Math.round(performance.now() - startedAt));
  }
  isOver = true;
  await load;
  report(
    `${name} killed ${times} times: a new job ran and ended ${recoveries.join(', ')} ms after its start, ${client.retries} requests sent again so far`,
  );
}

test('Postgres stopped hard and started under load: nothing lost, nothing twice', async () => {
  await whole(underLoad('postgres', 2));
  await whole(expectNothingLost());
});

test('Temporal killed and started on its file under load: nothing lost, nothing twice', async () => {
  await whole(underLoad('temporal', 2));
  await whole(expectNothingLost());
});

test('the api killed during submissions that are sent again with their key: nothing lost, nothing twice', async () => {
  await whole(Promise.all([underLoad('api', 3), client.submitMany({ lanes: 20, count: 60 })]));
  await whole(expectNothingLost());
});

test('a worker killed under load: nothing lost, nothing twice', async () => {
  await whole(underLoad('worker', 1));
  await whole(expectNothingLost());
});

const ORDERS: readonly (readonly PieceName[])[] = [
  ['worker', 'api', 'temporal', 'postgres'],
  ['api', 'postgres', 'worker', 'temporal'],
  ['temporal', 'worker', 'postgres', 'api'],
  ['postgres', 'temporal', 'api', 'worker'],
];

test.each(ORDERS.map((order) => [order.join(', '), order] as const))(
  'all killed at once and started as %s: nothing lost, nothing twice',
  async (name, order) => {
    await client.submitMany({ lanes: 4, count: 8 });
    await Promise.all(order.map((piece) => world.kill(piece)));
    const startedAt = performance.now();
    const starts: Promise<void>[] = [];
    for (const piece of order) {
      starts.push(world.start(piece));
      await delay(1500);
    }
    await whole(Promise.all(starts));
    await whole(probe());
    report(
      `${name}: a new job ran and ended ${Math.round(performance.now() - startedAt)} ms after`,
    );
    await whole(expectNothingLost());
  },
);
