import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { RunningPiece } from '../../dev/stack/piece.ts';
import { closeDb, createDb, type Db } from '../../src/store/db.ts';
import { putSetting } from '../../src/store/settings.ts';
import { insertJobEndEvent, insertTaskEvents } from '../../src/store/events.ts';
import { CallbackSink, orderFaults, type SinkRequest } from '../helpers/callback-sink.ts';
import { TestEngine, until } from '../helpers/engine.ts';
import { between, createRandom } from '../helpers/faults.ts';
import { addJob, addTenant, countStates, taskEvent } from '../integration/callbacks/deliveries.ts';

const SEED = 20_261_124;
const TENANTS = 10;
const JOBS = 200;
const TASKS = 12;
const KILLS = 20;
const EVENTS = TASKS * 2 + 1;
/** Requests between two kills, from a random number of these on. */
const [LEAST, MOST] = [50, 150];

/** temporal.api.enums.v1.PendingActivityState. */
const PENDING_ACTIVITY_STATE_STARTED = 2;

const random = createRandom(SEED);

let engine: TestEngine;
let sinks: readonly CallbackSink[];
let db: Db;
let client: Client;
/** Workers that send; one is killed at a time, and another started in its place. */
const senders: Promise<RunningPiece>[] = [];
/** Every request at either receiver, in the order they came, with the number of kills before it. */
const seen: (Pick<SinkRequest, 'text'> & {
  readonly stream: string;
  readonly id: string;
  readonly isTaken: boolean;
  readonly killsBefore: number;
})[] = [];
let kills = 0;

const receiver = (name: string): CallbackSink =>
  new CallbackSink(({ path, text, headers, body }) => {
    const isTaken = random() >= 0.3;
    const stream = `${String(body['job_id'])} ${name}${path}`;
    const id = String(headers['webhook-id']);
    seen.push({ stream, id, text, isTaken, killsBefore: kills });
    return isTaken ? 200 : 503;
  });

beforeAll(async () => {
  engine = await TestEngine.create({ isStarted: false });
  sinks = await Promise.all([receiver('first').start(), receiver('second').start()]);
  client = new Client({
    connection: await Connection.connect({ address: inject('services').temporalAddress }),
    namespace: engine.namespace,
  });
  db = createDb({
    url: engine.database.url,
    poolSize: 10,
    applicationName: 'test',
    onError: () => undefined,
  });
  await engine.startApi();
  await engine.startWorker('controller');
  for (let at = 0; at < 3; at++) senders.push(engine.startAnotherWorker('callback'));
  await Promise.all(senders);
});

afterAll(async () => {
  for (const sender of senders) await (await sender).stop();
  await client?.connection.close();
  await Promise.all((sinks ?? []).map((one) => one.close()));
  if (db !== undefined) await closeDb(db);
  await engine?.stop();
});

/** Job ids by tenant. Waits of a second, twenty of them, stand for the days of the real schedule. */
async function addJobs(): Promise<ReadonlyMap<number, readonly number[]>> {
  const jobs = new Map<number, readonly number[]>();
  for (let at = 0; at < TENANTS; at++) {
    const tenantId = await addTenant(db);
    await putSetting(db, tenantId, 'callback_schedule', Array(20).fill(1).join(','));
    const urls = sinks.map((one) => one.url());
    const ids = Array.from({ length: JOBS / TENANTS }, () => addJob(db, tenantId, urls));
    jobs.set(tenantId, await Promise.all(ids));
  }
  return jobs;
}

/** Tells a job's events one after the other, as its tasks would. */
async function tellSlowly(jobId: number): Promise<void> {
  for (let task = 1; task <= TASKS; task++) {
    for (const event of ['start', 'complete'] as const) {
      await insertTaskEvents(db, jobId, [taskEvent(jobId, task, event)]);
      await new Promise((resolve) => setTimeout(resolve, between(random, 0, 3000)));
    }
  }
  await insertJobEndEvent(db, jobId, JSON.stringify({ job_id: jobId, status: 'completed' }));
}

/** Process ids of the workers that have a drain under way. */
async function sendingPids(): Promise<ReadonlySet<number>> {
  const pids = new Set<number>();
  const query = "WorkflowType = 'deliverEndpoint' AND ExecutionStatus = 'Running'";
  for await (const { workflowId } of client.workflow.list({ query })) {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    for (const { state, lastWorkerIdentity } of raw.pendingActivities ?? []) {
      const isStarted = state === PENDING_ACTIVITY_STATE_STARTED;
      const [, pid] = /\/(\d+)@/.exec(lastWorkerIdentity ?? '') ?? [];
      if (isStarted && pid !== undefined) pids.add(Number(pid));
    }
  }
  return pids;
}

/** The place of a worker that is sending now. */
async function findSending(): Promise<number | undefined> {
  const pids = await sendingPids();
  for (let turn = 0; turn < senders.length; turn++) {
    const at = (kills + turn) % senders.length;
    const sender = await senders[at];
    if (sender !== undefined && pids.has(sender.pid)) return at;
  }
  return undefined;
}

async function killSenders(): Promise<void> {
  while (kills < KILLS) {
    const target = seen.length + between(random, LEAST, MOST);
    await until(async () => seen.length >= target || undefined, 60, `kill ${kills + 1}`);
    const at = await until(findSending, 60, 'a worker that sends');
    const victim = await senders[at];
    if (victim === undefined) throw new Error('nobody to kill');
    process.kill(victim.pid, 'SIGKILL');
    await victim.ended;
    kills += 1;
    senders[at] = engine.startAnotherWorker('callback');
  }
}

test('200 jobs to two failing receivers, their sender killed 20 times: nothing lost, overtaken or changed', async () => {
  const jobs = await addJobs();
  const ids = [...jobs.values()].flat();
  await Promise.all([killSenders(), ...ids.map(tellSlowly)]);
  const isThrough = async (): Promise<true | undefined> => {
    for (const tenantId of jobs.keys()) {
      const states = await countStates(db, tenantId);
      if (states['delivered'] !== (JOBS / TENANTS) * EVENTS * 2) return undefined;
    }
    return true;
  };
  await until(isThrough, 120, 'all callbacks to be delivered');

  const streams = Map.groupBy(seen, (one) => one.stream);
  expect(streams.size).toBe(JOBS * 2);
  for (const [stream, requests] of streams) {
    // what was taken again after a kill is not new
    const first = new Map(
      requests.filter((one) => one.isTaken).map((one) => [one.text, one] as const),
    );
    const bodies = [...first.values()].map((one) => JSON.parse(one.text));
    expect([stream, bodies.length]).toEqual([stream, EVENTS]);
    expect([stream, orderFaults(bodies)]).toEqual([stream, []]);
  }
  // one id for an event, the same bytes at every attempt and both receivers
  const texts = new Map<string, Set<string>>();
  const ofText = new Map<string, Set<string>>();
  for (const { id, text } of seen) {
    texts.set(id, (texts.get(id) ?? new Set()).add(text));
    ofText.set(text, (ofText.get(text) ?? new Set()).add(id));
  }
  expect(texts.size).toBe(JOBS * EVENTS);
  expect(new Set([...texts.values(), ...ofText.values()].map((one) => one.size))).toEqual(
    new Set([1]),
  );
  // each repeat of what had been taken is owed to a kill, and each kill repeats at most one of a stream
  const repeats = repeatsByKill();
  expect(repeats.filter((one) => one.isOwedToNone)).toEqual([]);
  const owed = Map.groupBy(repeats, (one) => `${one.stream} after kill ${one.kill}`);
  const events = [...owed.values()].map((some) => new Set(some.map((one) => one.id)).size);
  expect(events.filter((count) => count > 1)).toEqual([]);
  const failed = seen.filter((one) => !one.isTaken).length;
  expect(failed).toBeGreaterThan(seen.length * 0.2);
});

/** Requests that came though the same had been taken before, with the first kill in between. */
function repeatsByKill() {
  const takenAt = new Map<string, number>();
  return seen.flatMap((one) => {
    const key = `${one.stream} ${one.id}`;
    const before = takenAt.get(key);
    if (one.isTaken) takenAt.set(key, one.killsBefore);
    if (before === undefined) return [];
    return [
      {
        stream: one.stream,
        id: one.id,
        kill: before + 1,
        isOwedToNone: one.killsBefore === before,
      },
    ];
  });
}
