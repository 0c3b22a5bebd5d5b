import { afterAll, beforeAll, expect, test } from 'vitest';
import { finishJob } from '../../src/store/finish.ts';
import { putSetting } from '../../src/store/settings.ts';
import { getTenant } from '../../src/store/tenants.ts';
import { createTestApi, submission, type TestApi } from '../helpers/api.ts';

interface Shown {
  readonly id: number;
  readonly priority: number;
  readonly position: number | null;
  readonly top_of_queue: boolean;
}

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
  const tenant = await getTenant(api.database.db, 'acme');
  await putSetting(api.database.db, tenant?.id ?? 0, 'max_jobs', '1');
});

afterAll(() => api.stop());

const jobs = async (query: string): Promise<readonly Shown[]> =>
  (await api.send('GET', `/jobs?limit=1000&${query}`)).json;

/** Ends the running job, so that the next one is admitted. */
async function finishRunning(): Promise<void> {
  const [running] = await jobs('state=started');
  await finishJob(api.database.db, {
    jobId: running?.id ?? 0,
    isFailed: false,
    reason: '',
    timeMs: Date.now(),
    events: [],
  });
}

test('the job at position 1 is the one that starts next, until none is left', async () => {
  const priorities = [5, 3, 9, 3, 1, 10, 5, 3, 7, 5, 1, 2];
  for (const priority of priorities) await api.send('POST', '/job', submission({}, { priority }));
  let started = 0;
  for (
    let queued = await jobs('state=queued');
    queued.length > 0;
    queued = await jobs('state=queued')
  ) {
    expect(queued.map((job) => job.position).sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual(
      queued.map((_, at) => at + 1),
    );
    const next = queued.find((job) => job.position === 1);
    expect(queued.filter((job) => job.top_of_queue)).toEqual([next]);
    // a job alone, and a part of the queue, say the same as the whole queue
    const last = queued.find((job) => job.position === queued.length);
    expect((await api.send('GET', `/jobs/${last?.id}`)).json.position).toBe(queued.length);
    expect(await jobs(`job_ids=${last?.id},${next?.id}&order_by=position`)).toEqual(
      last === next ? [next] : [last, next],
    );
    await finishRunning();
    expect((await jobs('state=started')).map((job) => job.id)).toEqual([next?.id]);
    started += 1;
  }
  expect(started).toBe(priorities.length - 1);
});

test('only queued jobs have a position', async () => {
  for (const job of await jobs('state=started')) {
    expect([job.position, job.top_of_queue]).toEqual([null, false]);
  }
});

test('a job whose priority changes takes its new place', async () => {
  const ids: number[] = [];
  for (let at = 0; at < 4; at++) ids.push((await api.send('POST', '/job', submission())).json.id);
  const [, , , last] = ids;
  await api.send('PATCH', `/jobs/${last}`, { priority: 1 });
  expect((await jobs('state=queued&order_by=position&asc=1'))[0]).toMatchObject({
    id: last,
    position: 1,
    top_of_queue: true,
  });
});
