import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createJournal } from '../../../activities/journal/journal.ts';
import type { JournalActivities } from '../../../activities/journal/contract.ts';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { CallbackSink } from '../../helpers/callback-sink.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addJob, addTenant, drain, endpointIds } from './deliveries.ts';

const AT = Date.UTC(2030, 0, 2, 3, 4, 5, 678);
const TIME = '2030-01-02T03:04:05.678Z';
const CUSTOM = '{"b":1.0,"a":12345678901234567890,"a":2}';

let database: TestDatabase;
let egress: Egress;
let journal: JournalActivities;
let sink: CallbackSink;
let tenantId = 0;
let tenant = '';

beforeAll(async () => {
  database = await createTestDatabase();
  egress = createEgress();
  journal = createJournal({ db: database.db });
});

beforeEach(async () => {
  tenantId = await addTenant(database.db);
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM tenants WHERE id = ${tenantId}`.execute(database.db);
  tenant = rows[0]?.name ?? '';
  sink = await new CallbackSink().start();
});

afterEach(() => sink.close());

afterAll(async () => {
  await egress.close();
  await database.drop();
});

/** A started job with custom data and, where given, a result. */
async function startJob(result: unknown = null): Promise<number> {
  const jobId = await addJob(database.db, tenantId, [sink.url()]);
  await sql`
    UPDATE jobs SET queue_state = 1, dispatched_at = now(), started_at = now(), custom_data = ${CUSTOM},
      result = ${result === null ? null : JSON.stringify(result)}::json WHERE id = ${jobId}`.execute(
    database.db,
  );
  return jobId;
}

const task = (taskNumber: number, event: 'start' | 'complete' | 'fail', message = '') => ({
  taskNumber,
  taskName: taskNumber === 1 ? 'fetch_source' : 'package',
  event,
  message,
  timeMs: AT,
});

async function send(): Promise<void> {
  const [endpointId = 0] = await endpointIds(database.db, tenantId);
  await drain({ db: database.db, egress, retryWaitsSeconds: [600] }, endpointId);
}

const base = (jobId: number) => ({
  job_id: jobId,
  workflow: 'vodstream',
  content_id: 'c',
  client: tenant,
  time: TIME,
});

const taskBody = (jobId: number, number: number, event: string, message = '') => ({
  ...base(jobId),
  task_id: jobId * 1000 + number,
  task_name: number === 1 ? 'fetch_source' : 'package',
  event,
  message,
});

test('a job that completes: start and complete of each task and the job end, field for field', async () => {
  const result = { message: '/out/c.m3u8', files: ['/out/a.mp4'], durationSeconds: 5.280_4 };
  const jobId = await startJob(result);
  await journal.recordEvents({ jobId, events: [task(1, 'start')] });
  await journal.recordEvents({ jobId, events: [task(1, 'complete', 'two files')] });
  await journal.finishJob({ jobId, isFailed: false, reason: '', timeMs: AT, events: [] });
  await send();
  expect(sink.requests.slice(0, 2).map((one) => one.body)).toEqual([
    taskBody(jobId, 1, 'start'),
    taskBody(jobId, 1, 'complete', 'two files'),
  ]);
  const end = sink.requests[2];
  expect(end?.body).toEqual({
    ...base(jobId),
    status: 'completed',
    message: '/out/c.m3u8',
    files: ['/out/a.mp4'],
    metadata: { duration: 5.28 },
    custom_data: JSON.parse(CUSTOM),
  });
  expect(Array.isArray(end?.body['files'])).toBe(true);
  expect(end?.text.endsWith(`"custom_data":${CUSTOM}}`)).toBe(true);
});

test('a job that fails: the failed task with its reason, then the job end with it and no result', async () => {
  const jobId = await startJob({ message: 'x', files: ['/out/half.mp4'] });
  await journal.recordEvents({ jobId, events: [task(1, 'start')] });
  const events = [task(1, 'fail', 'c.mp4 is empty')];
  await journal.finishJob({ jobId, isFailed: true, reason: 'c.mp4 is empty', timeMs: AT, events });
  await send();
  expect(sink.requests.map((one) => one.body)).toEqual([
    taskBody(jobId, 1, 'start'),
    taskBody(jobId, 1, 'fail', 'c.mp4 is empty'),
    {
      ...base(jobId),
      status: 'failed',
      message: 'c.mp4 is empty',
      custom_data: JSON.parse(CUSTOM),
    },
  ]);
});

test('a body of 10,000 files and one with a message of 300 KB are sent whole; the log warns of both', async () => {
  const files = Array.from({ length: 10_000 }, (_, at) => `/out/movie/segment-${at}.m4s`);
  const many = await startJob({ message: '/out/c.m3u8', files });
  const long = await startJob();
  await journal.finishJob({ jobId: many, isFailed: false, reason: '', timeMs: AT, events: [] });
  const reason = 'é'.repeat(150_000);
  await journal.finishJob({ jobId: long, isFailed: true, reason, timeMs: AT, events: [] });
  await send();
  const bodyOf = (jobId: number) => sink.delivered(jobId)[0];
  expect(bodyOf(many)?.['files']).toEqual(files);
  expect(bodyOf(long)?.['message']).toBe(reason);
  for (const request of sink.requests) {
    expect(request.headers['content-encoding']).toBeUndefined();
    expect(Number(request.headers['content-length'])).toBe(Buffer.byteLength(request.text));
  }
  for (const jobId of [many, long]) {
    const warnings = (await listLogs(database.db, jobId, { withInvisible: false })).filter(
      (row) => row.severity === 'WARN',
    );
    expect(warnings.map((row) => row.message)).toEqual([
      expect.stringMatching(/^The job end callback has \d+ KB/),
    ]);
  }
});
