import { inject, afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTemporalClient, type TemporalClient } from '../../../src/temporal/client.ts';
import { SCHEDULES } from '../../../src/temporal/names.ts';
import { registerSchedules } from '../../../src/temporal/register.ts';
import { SCHEDULE_NAMES } from '../../../src/temporal/schedule-definitions.ts';
import { createSchedules, syncScheduleInterval } from '../../../src/temporal/schedules.ts';
import type { Db } from '../../../src/store/db.ts';
import { putSystemSetting } from '../../../src/store/system-settings.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { createTestNamespace } from '../../helpers/namespace.ts';
import { newTenant, submit } from './scene.ts';

const QUEUE = SCHEDULES.queueScheduledJobs;

let database: TestDatabase;
let db: Db;
let temporal: TemporalClient;

beforeAll(async () => {
  temporal = createTemporalClient({
    address: inject('services').temporalAddress,
    namespace: await createTestNamespace(),
  });
});

beforeEach(async () => {
  await database?.drop();
  database = await createTestDatabase();
  db = database.db;
});

afterAll(async () => {
  await database.drop();
  await temporal.close();
});

const register = (): Promise<void> => registerSchedules({ db, client: temporal.client });

const handleOf = (name: string) => temporal.client.schedule.getHandle(name);

/** Seconds between two ticks, as Temporal knows it. */
async function intervalOf(name: string): Promise<number> {
  const { spec } = await handleOf(name).describe();
  expect(spec.intervals).toHaveLength(1);
  return (spec.intervals?.[0]?.every ?? 0) / 1000;
}

async function versionOf(name: string): Promise<number | undefined> {
  return (await handleOf(name).describe()).info.lastUpdatedAt?.getTime();
}

test('before a worker has made the schedules there are none, and their interval is left alone', async () => {
  expect(await createSchedules(temporal).list()).toEqual([]);
  expect(await syncScheduleInterval({ db, temporal })).toBe(60);
});

test('all are made with one tick at a time and what they are for; again changes nothing', async () => {
  await register();
  const versions = await Promise.all(SCHEDULE_NAMES.map(versionOf));
  await register();
  expect(await Promise.all(SCHEDULE_NAMES.map(versionOf))).toEqual(versions);
  for (const name of SCHEDULE_NAMES) {
    const { policies, state, action } = await handleOf(name).describe();
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 10_000 });
    expect([state.paused, state.note, action.workflowId]).toEqual([
      false,
      action.staticSummary,
      name,
    ]);
  }
  expect(await Promise.all(SCHEDULE_NAMES.map(intervalOf))).toEqual([60, 30, 86_400, 30]);
});

test('what an operator switched off stays off when workers register again, also an older version', async () => {
  await register();
  await createSchedules(temporal).setActive(QUEUE, false, 'Switched off by ops');
  await handleOf(QUEUE).update((previous) => ({
    ...previous,
    spec: { intervals: [{ every: '5m' }] },
    action: { ...previous.action, taskQueue: 'elsewhere' },
  }));
  await register();
  const { state, action } = await handleOf(QUEUE).describe();
  expect([state.paused, state.note, action.taskQueue]).toEqual([
    true,
    'Switched off by ops',
    'controller',
  ]);
  expect(await intervalOf(QUEUE)).toBe(60);
});

test('the interval is the shortest of the tenants that have set one or have scheduled jobs', async () => {
  await register();
  const sync = async (): Promise<number> => {
    const seconds = await syncScheduleInterval({ db, temporal });
    expect(await intervalOf(QUEUE)).toBe(seconds);
    return seconds;
  };
  expect(await sync()).toBe(60);
  await putSystemSetting(db, 'schedule_interval', '90');
  expect(await sync()).toBe(90);
  // the only tenant whose jobs are looked at wants longer
  await newTenant(db, { schedule_interval: 120 });
  const other = await newTenant(db);
  expect(await sync()).toBe(120);
  await submit(db, other, { runAt: new Date(Date.now() + 3_600_000) });
  expect(await sync()).toBe(90);
  await newTenant(db, { schedule_interval: 5 });
  expect(await sync()).toBe(5);
});

test('a change of the interval leaves a schedule that is switched off switched off', async () => {
  await register();
  await createSchedules(temporal).setActive(QUEUE, false, 'off');
  await newTenant(db, { schedule_interval: 7 });
  await syncScheduleInterval({ db, temporal });
  const { state } = await handleOf(QUEUE).describe();
  expect([await intervalOf(QUEUE), state.paused, state.note]).toEqual([7, true, 'off']);
});
