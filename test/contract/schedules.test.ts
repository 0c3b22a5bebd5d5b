import { type AddressInfo, createServer, type Socket } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createTemporalClient, type TemporalClient } from '../../src/temporal/client.ts';
import { SCHEDULES } from '../../src/temporal/names.ts';
import { registerSchedules } from '../../src/temporal/register.ts';
import { createSchedules, runScheduleNow } from '../../src/temporal/schedules.ts';
import { createTestApi, OTHER, type TestApi } from '../helpers/api.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { createTestNamespace } from '../helpers/namespace.ts';
import { until } from '../helpers/engine.ts';

const NAMES = ['queue_scheduled_jobs', 'reconcile_jobs', 'clear_jobs', 'sweep_storage'];

let api: TestApi;
let temporal: TemporalClient;

const connect = (address: string, namespace: string): TemporalClient =>
  createTemporalClient({ address, namespace, isImpatient: true });

beforeAll(async () => {
  temporal = connect(inject('services').temporalAddress, await createTestNamespace());
  api = await createTestApi({ schedules: createSchedules(temporal) });
  await registerSchedules({ db: api.database.db, client: temporal.client });
  await sql`UPDATE tenants SET roles = '{}' WHERE name = 'other'`.execute(api.database.db);
});

afterAll(async () => {
  await api.stop();
  await temporal.close();
});

/** Asks again where Temporal was too slow for one answer, as the 503 says: the machine may be busy. */
async function send(...request: Parameters<TestApi['send']>): ReturnType<TestApi['send']> {
  for (let tries = 1; ; tries++) {
    const answer = await api.send(...request);
    if (answer.status !== 503 || tries === 10) return answer;
  }
}

const change = (body: unknown, headers?: Record<string, string>) =>
  send('PUT', '/scheduler', body, headers);

const show = (headers?: Record<string, string>) => send('GET', '/schedules', undefined, headers);

const isPaused = async (name: string): Promise<boolean> =>
  (await temporal.client.schedule.getHandle(name).describe()).state.paused;

describe('GET /schedules', () => {
  test('answers {"result":"ok"} and each schedule by name with class, every, queue, description', async () => {
    const { status, json } = await show();
    expect([status, json.result, Object.keys(json.schedules)]).toEqual([200, 'ok', NAMES]);
    expect(json.schedules.queue_scheduled_jobs).toEqual({
      class: 'queueScheduledJobs',
      every: '60s',
      queue: 'scheduler',
      description: expect.stringMatching(/run_at.*semaphore_url/) as string,
      active: true,
      next_run_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      last_run_at: null,
    });
    expect(json.schedules.reconcile_jobs).toMatchObject({ class: 'reconcileJobs', every: '30s' });
    expect(json.schedules.clear_jobs).toMatchObject({ class: 'clearJobs', every: '86400s' });
    expect(json.schedules.sweep_storage).toMatchObject({ class: 'sweepStorage', every: '30s' });
  });

  test('shows what Temporal has, not what it was made with', async () => {
    const handle = temporal.client.schedule.getHandle('reconcile_jobs');
    await handle.update((previous) => ({
      ...previous,
      spec: { intervals: [{ every: '45s' }] },
    }));
    const { json } = await show();
    expect(json.schedules.reconcile_jobs.every).toBe('45s');
  });
});

describe('a run beside the ticks', () => {
  // its ticks are a day apart: what it runs is what the test asked for
  const runs = async (): Promise<number> => {
    const { info } = await temporal.client.schedule.getHandle(SCHEDULES.clearJobs).describe();
    return info.numActionsTaken;
  };

  test('is begun at once, and not where somebody has switched the schedule off', async () => {
    const before = await runs();
    const handle = temporal.client.schedule.getHandle(SCHEDULES.clearJobs);
    await handle.pause('by the test');
    await runScheduleNow(temporal, SCHEDULES.clearJobs);
    await handle.unpause('by the test');
    await runScheduleNow(temporal, SCHEDULES.clearJobs);
    await until(async () => (await runs()) > before || undefined, 10, 'the run');
    expect(await runs()).toBe(before + 1);
  });
});

describe('PUT /scheduler', () => {
  test('switches one schedule off and on and answers all of them', async () => {
    const off = await change({ schedule: 'clear_jobs', active: false });
    expect([off.status, off.json.result]).toEqual([200, 'ok']);
    expect(
      off.json.schedules.map((one: { name: string; active: boolean }) => [one.name, one.active]),
    ).toEqual([
      ['queue_scheduled_jobs', true],
      ['reconcile_jobs', true],
      ['clear_jobs', false],
      ['sweep_storage', true],
    ]);
    expect(off.json.schedules[2]).toMatchObject({ class: 'clearJobs', next_run_at: null });
    expect(await isPaused('clear_jobs')).toBe(true);
    await change({ schedule: 'clear_jobs', active: true });
    expect(await isPaused('clear_jobs')).toBe(false);
  });

  test.each([
    ['false', true],
    ['0', true],
    ['true', false],
    ['1', false],
  ])('takes active as text: %j', async (active, paused) => {
    expect((await change({ schedule: 'reconcile_jobs', active })).status).toBe(200);
    expect(await isPaused('reconcile_jobs')).toBe(paused);
  });

  test('keeps who switched what', async () => {
    await change({ schedule: 'clear_jobs', active: false });
    const { rows } = await sql<{ actor: string; action: string; detail: unknown }>`
      SELECT actor, action, detail FROM audit ORDER BY id DESC LIMIT 1`.execute(api.database.db);
    expect(rows).toEqual([
      {
        actor: 'acme',
        action: 'schedule.switch',
        detail: { schedule: 'clear_jobs', active: false },
      },
    ]);
  });

  test.each([
    [
      { schedule: 'nope', active: true },
      new RegExp(`^schedule: must be one of ${NAMES.join(', ')}$`),
    ],
    [{ schedule: '__proto__', active: true }, /^schedule: must be one of/],
    [{ schedule: 7, active: true }, /^schedule: must name a schedule$/],
    [{ active: true }, /^schedule: is missing/],
    [{ schedule: 'clear_jobs' }, /^active: is missing, it must be true or false$/],
    [{ schedule: 'clear_jobs', active: 'maybe' }, /^active: must be true or false$/],
    [[], /^the body: must be an object$/],
    [undefined, /^the body: /],
  ])('%j is 400 naming the field', async (body, reason) => {
    const { status, json } = await change(body);
    expect([status, json.error]).toEqual([400, expect.stringMatching(reason) as string]);
  });

  test('is for system administrators: others get 403 and switch nothing', async () => {
    await change({ schedule: 'clear_jobs', active: true });
    const { status, json } = await change({ schedule: 'clear_jobs', active: false }, OTHER);
    expect([status, json.error]).toEqual([
      403,
      expect.stringMatching(/role system_admin$/) as string,
    ]);
    expect(await isPaused('clear_jobs')).toBe(false);
    expect((await show(OTHER)).status).toBe(200);
  });
});

/** An address where nobody listens, or somebody who never says anything. */
async function deadAddress(isSilent: boolean): Promise<{ address: string; close: () => void }> {
  if (!isSilent) {
    return { address: `127.0.0.1:${await freePort(0, 'PORT')}`, close: () => undefined };
  }
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test.each([
  ['down', false],
  ['hanging', true],
])(
  'while Temporal is %s both say so with 503, and no switch is recorded',
  async (_name, isSilent) => {
    const { address, close } = await deadAddress(isSilent);
    const dead = connect(address, 'default');
    const isolated = await createTestApi({ schedules: createSchedules(dead) });
    try {
      for (const answer of [
        await isolated.send('GET', '/schedules'),
        await isolated.send('PUT', '/scheduler', { schedule: 'clear_jobs', active: false }),
      ]) {
        expect([answer.status, answer.json]).toEqual([
          503,
          { error: 'Schedules: Temporal does not answer; try again later' },
        ]);
      }
      const { rows } = await sql`SELECT FROM audit WHERE action = 'schedule.switch'`.execute(
        isolated.database.db,
      );
      expect(rows).toEqual([]);
    } finally {
      await isolated.stop();
      await dead.close();
      close();
    }
  },
);

test('before a worker has made the schedules there are none, and a switch says what to do', async () => {
  const empty = connect(inject('services').temporalAddress, await createTestNamespace());
  const fresh = await createTestApi({ schedules: createSchedules(empty) });
  try {
    expect((await fresh.send('GET', '/schedules')).json).toEqual({ result: 'ok', schedules: {} });
    const { status, json } = await fresh.send('PUT', '/scheduler', {
      schedule: 'clear_jobs',
      active: false,
    });
    expect([status, json.error]).toEqual([
      503,
      'Schedules: clear_jobs is not there yet: the first worker that starts creates it',
    ]);
  } finally {
    await fresh.stop();
    await empty.close();
  }
});
