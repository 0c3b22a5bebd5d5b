import { appendFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runTask } from '../../../activities/run-task.ts';
import { fillStage, jobScratch } from '../../../activities/scratch.ts';
import type { ScratchLimits } from '../../../activities/space/judge.ts';
import { measureJob } from '../../../activities/space/measure.ts';
import { writeReservation } from '../../../activities/space/reservation.ts';
import type { TaskCode } from '../../../activities/task.ts';
import { taskActivityId } from '../../../src/domain/task-id.ts';
import { FFMPEG } from '../../../src/media/process/programs.ts';
import { runTool } from '../../../src/media/process/run-tool.ts';
import { assertToolSucceeded } from '../../../src/media/process/tool-error.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { jobWorkflowId } from '../../../src/temporal/names.ts';
import { createScratch } from '../../../worker/scratch.ts';
import { until } from '../../helpers/engine.ts';
import { livingTools } from '../../helpers/living-tools.ts';
import { canMount, mountSmallDisk } from '../../helpers/small-disk.ts';
import { JobRows } from './jobs.ts';

const MB = 1_000_000;

let rows: JobRows;
let workRoot: string;
let jobId: number;

beforeAll(async () => {
  rows = await JobRows.create();
});

afterAll(() => rows.database.drop());

beforeEach(async () => {
  workRoot = await mkdtemp(join(tmpdir(), 'task-engine-run-task-'));
  jobId = await rows.start();
});

afterEach(() => rm(workRoot, { recursive: true, force: true }));

/** Runs code as a worker process does, under limits, beside its watch and its sweeper. */
async function run<Result>(
  limits: Partial<ScratchLimits>,
  code: TaskCode<void, Result>,
  attempt = 1,
): Promise<unknown> {
  const log = pino({ level: 'silent' });
  const scratch = createScratch({
    db: rows.db,
    log,
    workRoot,
    limits: { jobBytes: undefined, hostBytes: undefined, reserveBytes: 0, ...limits },
  });
  const stop = scratch.start();
  const environment = new MockActivityEnvironment(
    {
      attempt,
      activityId: taskActivityId('generate_mp4', 1),
      workflowExecution: { workflowId: jobWorkflowId(jobId), runId: 'run' },
    },
    { logger: new DefaultLogger('ERROR') },
  );
  try {
    const activity = runTask({ db: rows.db, log, watch: scratch.watch }, code);
    return await environment.run(activity, undefined).catch((error: unknown) => error);
  } finally {
    await stop();
  }
}

/** An encode without end at the speed of the pictures, about 3 MB/s; nothing but the watch stops it. */
const encodeForEver: TaskCode<void, void> = (task) =>
  fillStage(workRoot, task, 'mp4', async (folder) => {
    const result = await runTool({
      program: FFMPEG,
      args: ['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=50'].concat(
        ['-c:v', 'mjpeg', '-q:v', '2', '-f', 'matroska'],
        join(folder, 'endless.mkv'),
      ),
      timeoutMs: 60_000,
      signal: task.signal,
    });
    task.signal.throwIfAborted();
    assertToolSucceeded(result, 'encoding');
  });

test('an encode that passes its job’s limit is stopped, its file removed, and fails for that reason', async () => {
  const failure = await run({ jobBytes: 5 * MB }, encodeForEver);
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({ type: 'NoSpace', nonRetryable: true });
  expect((failure as Error).message).toMatch(
    /^No space for this job: it uses [\d.]+ MB of scratch, one job may use 5\.0 MB$/,
  );
  expect(await livingTools(workRoot)).toEqual([]);
  expect(await readdir(jobScratch(workRoot, jobId))).toEqual([]);
});

test('an encode that writes while the disk is below its reserve is stopped and tried again later', async () => {
  const failure = await run({ reserveBytes: Number.MAX_SAFE_INTEGER }, encodeForEver);
  expect(failure).toMatchObject({ type: 'NoSpace', nonRetryable: false });
  expect((failure as Error).message).toMatch(/are free on the disk/);
  expect(await livingTools(workRoot)).toEqual([]);
  const logged = await listLogs(rows.db, jobId, { withInvisible: false });
  expect(logged.at(-1)?.message).toMatch(
    /^No space for this job: .*; trying again in 5 s \(1 of 3\)$/,
  );
});

test('a task of a job that has ended meanwhile is stopped by the sweeper, and its folder goes', async () => {
  const failure = await run({}, async (task) => {
    const encoding = encodeForEver(task);
    await until(
      async () => (await livingTools(workRoot)).length > 0 || undefined,
      10,
      'the encode',
    );
    await rows.end(jobId);
    await encoding;
  });
  expect(failure).toMatchObject({ type: 'Superseded', nonRetryable: true });
  expect(await livingTools(workRoot)).toEqual([]);
  expect(await readdir(workRoot)).toEqual([]);
});

test('a full disk that a task itself meets is told as no space and tried again', async () => {
  const failure = await run({}, async () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
  expect(failure).toMatchObject({ type: 'NoSpace', nonRetryable: false });
  expect((failure as Error).message).toBe(
    'No space for this job: the disk of its scratch files is full (ENOSPC)',
  );
});

test('an attempt that follows on a lost worker says so in the log, one that follows on a failure does not', async () => {
  const messages = async (): Promise<readonly string[]> =>
    (await listLogs(rows.db, jobId, { withInvisible: false })).map((row) => row.message);
  await run({}, async () => 'done');
  expect(await messages()).toEqual([]);
  await run({}, () => Promise.reject(new Error('no luck')), 2);
  const lost = 'The worker of this task was lost or stopped; attempt 2 takes over';
  const failed = 'no luck; trying again in 5 s (1 of 3)';
  expect(await messages()).toEqual([lost, failed]);
  await run({}, async () => 'done', 3);
  expect(await messages()).toEqual([lost, failed]);
});

test('what earlier attempts of a task left goes before the next one writes; a later one’s stays', async () => {
  const left: (readonly string[])[] = [];
  await run({}, async (task) => {
    const attempt = (number: number) =>
      fillStage(workRoot, { ...task, attempt: number }, 'tracks', async () => {
        left.push((await readdir(jobScratch(workRoot, jobId))).sort());
        throw new Error('killed');
      }).catch(() => undefined);
    for (const number of [1, 2, 10]) {
      await mkdir(join(jobScratch(workRoot, jobId), `.tracks-1-${number}`), { recursive: true });
    }
    await mkdir(join(jobScratch(workRoot, jobId), '.tracks-11-1'));
    await attempt(3);
  });
  expect(left).toEqual([['.tracks-1-10', '.tracks-1-3', '.tracks-11-1']]);
});

describe.skipIf(!(await canMount()))('a disk of 32 MB (needs the right to mount a tmpfs)', () => {
  test('that falls below its reserve stops the job that takes more than it was promised, not the one beside it', async () => {
    const disk = await mountSmallDisk(workRoot, 32 * MB);
    const modestJob = await rows.start();
    const greedyJob = jobId;
    await writeReservation(workRoot, modestJob, 8 * MB);
    await writeReservation(workRoot, greedyJob, MB);
    const limits = { reserveBytes: 22 * MB };
    const greedy = run(limits, encodeForEver);
    jobId = modestJob;
    let isGreedyAtWork = true;
    // another process on the same disk, writing all the time
    const modest = run(limits, (task) =>
      fillStage(workRoot, task, 'tracks', async (folder) => {
        while (isGreedyAtWork) {
          task.signal.throwIfAborted();
          await appendFile(join(folder, 'track.mp4'), Buffer.alloc(5000, 1));
          await delay(20);
        }
        return 'done';
      }),
    );
    const failure = await greedy;
    const left = await measureJob(workRoot, greedyJob);
    isGreedyAtWork = false;
    const end = await modest;
    await disk.remove();
    expect(failure).toMatchObject({ type: 'NoSpace', nonRetryable: false });
    expect(left.usedBytes).toBeLessThan(10_000);
    expect(end).toBe('done');
  });
});
