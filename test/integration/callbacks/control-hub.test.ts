import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeClip } from '../../helpers/clips.ts';
import { CONTROL_HUB_PATHS, ControlHub, requestFaults } from '../../helpers/control-hub.ts';
import { orderFaults } from '../../helpers/callback-sink.ts';
import { TestEngine, until } from '../../helpers/engine.ts';

const SECONDS = 150;

let engine: TestEngine;
let hub: ControlHub;

beforeAll(async () => {
  engine = await TestEngine.create();
  await makeClip(join(await engine.sourceFolder('clip'), 'clip.mp4'), 4);
}, SECONDS * 1000);

beforeEach(async () => {
  hub = await new ControlHub().start();
  return () => hub.close();
});

afterAll(() => engine.stop(), SECONDS * 1000);

/** The job's callbacks as its ledger has them, once all have left. */
const ledgerOf = (jobId: number): Promise<any> =>
  until(
    async () => {
      const ledger: any = await (await engine.request(`/jobs/${jobId}/callbacks`)).json();
      const isOver = ledger.events
        .flatMap((event: any) => event.deliveries)
        .every((delivery: any) => delivery.state !== 'pending');
      const hasEnd = ledger.events.at(-1)?.task_id === null;
      return isOver && hasEnd ? ledger : undefined;
    },
    30,
    `the callbacks of job ${jobId}`,
  );

/** Runs a job to its end with both web-hooks as its URLs, and sees that each took everything at once. */
async function runJob(parameters: Readonly<Record<string, unknown>>): Promise<readonly any[]> {
  const jobId = await engine.submit({ ...parameters, rest_endpoints: hub.urls() });
  await engine.untilEnded(jobId);
  const { events } = await ledgerOf(jobId);
  expect(hub.requests.flatMap((request) => request.faults)).toEqual([]);
  for (const { deliveries } of events) {
    expect(deliveries.map((one: any) => [one.state, one.attempts.length])).toEqual([
      ['delivered', 1],
      ['delivered', 1],
    ]);
  }
  const [first, second] = CONTROL_HUB_PATHS.map((path) =>
    hub.requests.filter((request) => request.path === path).map((request) => request.text),
  );
  expect(second).toEqual(first);
  return (first ?? []).map((text) => JSON.parse(text) as unknown);
}

test(
  'a job that succeeds tells both web-hooks all they know, and nothing they do not',
  async () => {
    const bodies = await runJob({
      content_id: 'clip',
      source_folder: 'clip',
      output_folder: 'vod/clip',
      custom_data: { asset: 7 },
    });
    expect(orderFaults(bodies)).toEqual([]);
    expect(bodies.length).toBeGreaterThan(6);
    const end = bodies.at(-1);
    expect(end).toMatchObject({ status: 'completed', client: 'acme', custom_data: { asset: 7 } });
    expect(end.message).toBe(join(engine.outputFolder('vod/clip'), 'clip.m3u8'));
    expect(end.files).toContain(end.message);
  },
  SECONDS * 1000,
);

test(
  'a job that fails does so too',
  async () => {
    await engine.sourceFolder('nothing');
    const bodies = await runJob({ content_id: 'none', source_folder: 'nothing' });
    expect(bodies.some((body) => body.event === 'fail')).toBe(true);
    expect(bodies.at(-1)).toMatchObject({ status: 'failed', custom_data: null });
  },
  SECONDS * 1000,
);

const TASK = {
  job_id: 1,
  task_id: 1001,
  task_name: 'package',
  workflow: 'vodstream',
  event: 'start',
  content_id: 'c',
  message: '',
  time: '2030-01-31T00:00:00.000Z',
  client: 'acme',
};
const JOB = {
  job_id: 1,
  status: 'completed',
  workflow: 'vodstream',
  content_id: 'c',
  client: 'acme',
  time: TASK.time,
  custom_data: null,
  message: '/a/c.m3u8',
  files: ['/a/c.m3u8'],
  metadata: { duration: 1.234 },
};
const { message: _, ...withoutMessage } = TASK;

test.each([
  ['another method', TASK, { method: 'PUT' }],
  ['another path', TASK, { url: '/vod' }],
  ['a character set', TASK, { type: 'application/json; charset=utf-8' }],
  ['a missing field', withoutMessage, {}],
  ['a further field', { ...TASK, attempt: 1 }, {}],
  ['an id as text', { ...TASK, task_id: '1001' }, {}],
  ['an event of another name', { ...TASK, event: 'end' }, {}],
  ['a time without milliseconds', { ...TASK, time: '2030-01-31T00:00:00Z' }, {}],
  ['a time with an offset', { ...TASK, time: '2030-01-31T00:00:00.000+00:00' }, {}],
  ['files as text', { ...JOB, files: '/a/c.m3u8' }, {}],
  ['files that are no full paths', { ...JOB, files: ['c.m3u8'] }, {}],
  ['a duration as text', { ...JOB, metadata: { duration: '1.234' } }, {}],
  ['a duration of microseconds', { ...JOB, metadata: { duration: 1.23456 } }, {}],
  ['files of a failed job', { ...JOB, status: 'failed' }, {}],
])('the receiver of these tests takes no %s', (_name, body, other) => {
  const fault = (given: unknown, how: { method?: string; url?: string; type?: string }) => {
    const text = JSON.stringify(given);
    const { method = 'POST', url = CONTROL_HUB_PATHS[0], type = 'application/json' } = how;
    const headers = { 'content-type': type, 'content-length': String(text.length) };
    return requestFaults({ method, url, headers }, text);
  };
  expect([fault(TASK, {}), fault(JOB, {})]).toEqual([[], []]);
  expect(fault(body, other)).not.toEqual([]);
});
