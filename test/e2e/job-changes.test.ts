import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CallbackSink, orderFaults } from '../helpers/callback-sink.ts';
import { ffmpeg, makeClip } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';
import { putSetting } from '../../src/store/settings.ts';
import { getTenant } from '../../src/store/tenants.ts';

let engine: TestEngine;
let sink: CallbackSink;

beforeAll(async () => {
  engine = await TestEngine.create();
  sink = await new CallbackSink().start();
  const tenant = await getTenant(engine.database.db, 'acme');
  await putSetting(engine.database.db, tenant?.id ?? 0, 'max_jobs', '1');
  await makeClip(join(await engine.sourceFolder('short'), 'clip.mp4'), 2);
  await makeClip(join(engine.folder, 'part.mp4'), 30);
  // long enough that a task takes a moment in which the job can be changed
  await ffmpeg(
    '-stream_loop',
    '39',
    '-i',
    join(engine.folder, 'part.mp4'),
    '-c',
    'copy',
    join(await engine.sourceFolder('long'), 'long.mp4'),
  );
});

afterAll(async () => {
  await sink?.close();
  await engine?.stop();
});

const submit = (contentId: string, source = 'long'): Promise<number> =>
  engine.submit({
    content_id: contentId,
    source_folder: source,
    output_folder: `out/${contentId}`,
    create_thumbnail: false,
    rest_endpoints: [sink.url()],
  });

const told = (jobId: number): readonly string[] =>
  sink
    .delivered(jobId)
    .map(
      (body) => `${String(body['task_name'] ?? 'job')} ${String(body['event'] ?? body['status'])}`,
    );

const untilTold = (jobId: number, what: string): Promise<true> =>
  until(async () => told(jobId).includes(what) || undefined, 60, `job ${jobId}: ${what}`);

/** Waits until the receiver has all that has happened: callbacks go out beside the job, not before it goes on. */
const untilAllTold = (jobId: number): Promise<true> =>
  until(
    async () => {
      const { rows } = await sql<{ count: number }>`
        SELECT count(*)::integer AS count FROM events WHERE job_id = ${jobId}`.execute(
        engine.database.db,
      );
      return told(jobId).length === rows[0]?.count || undefined;
    },
    60,
    `all callbacks of job ${jobId}`,
  );

async function change(jobId: number, queueState: string): Promise<void> {
  const response = await engine.request(`/jobs/${jobId}`, {
    method: 'PATCH',
    body: JSON.stringify({ queue_state: queueState }),
  });
  expect(response.status).toBe(200);
}

const untilLogged = (jobId: number, text: RegExp): Promise<true> =>
  until(
    async () => {
      const rows = (await (await engine.request(`/logs/${jobId}`)).json()) as { message: string }[];
      return rows.some((row) => text.test(row.message)) || undefined;
    },
    60,
    `the log of job ${jobId} to say ${text}`,
  );

/** Process ids of the tools that work on this engine's files and are alive. */
async function livingTools(): Promise<readonly number[]> {
  const { stdout } = await execa('ps', ['-eo', 'pid,stat,args']);
  return stdout
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [])
    .filter(([, , state = 'Z']) => !state.startsWith('Z'))
    .filter(([, , , args = '']) => args.includes(join(engine.folder, 'work')))
    .filter(([, , , args = '']) => /ffmpeg|packager|ffprobe/.test(args))
    .map(([, pid]) => Number(pid));
}

test('a running job is paused before its next task, gives its slot away and goes on when put back', async () => {
  const jobId = await submit('paused');
  await untilTold(jobId, 'fetch_source start');
  await change(jobId, 'paused');
  await untilLogged(jobId, /^Paused: its next task waits/);
  expect((await engine.job(jobId)).queue_state).toBe('paused');
  await untilAllTold(jobId);
  const halted = told(jobId);

  const other = await submit('other', 'short');
  expect(await engine.untilEnded(other)).toMatchObject({ failed: false });
  expect(told(jobId)).toEqual(halted);
  expect(halted.filter((one) => one.endsWith('start')).length).toBe(
    halted.filter((one) => one.endsWith('complete')).length,
  );

  await change(jobId, 'queued');
  expect(await engine.untilEnded(jobId)).toMatchObject({
    queue_state: 'completed',
    failed: false,
  });
  await untilTold(jobId, 'job completed');
  expect(orderFaults(sink.delivered(jobId))).toEqual([]);
  expect(new Set(told(jobId)).size).toBe(told(jobId).length);
});

test('a job that is put back before it has halted goes on in its slot', async () => {
  const jobId = await submit('hesitant');
  await untilTold(jobId, 'inspect_source start');
  await change(jobId, 'paused');
  await change(jobId, 'queued');
  expect((await engine.job(jobId)).queue_state).toBe('started');
  expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
});

test('a job paused before its workflow began halts before its first task', async () => {
  await engine.worker?.stop();
  const jobId = await submit('early', 'short');
  await until(
    async () => (await engine.job(jobId)).queue_state === 'started' || undefined,
    10,
    'admission',
  );
  await change(jobId, 'paused');
  await engine.startWorker();
  await untilLogged(jobId, /^Paused: its next task waits/);
  expect(told(jobId)).toEqual([]);
  await change(jobId, 'queued');
  expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
});

test('a job given up while a tool runs is stopped, cleaned up and told as failed', async () => {
  const jobId = await submit('broken');
  await until(
    async () => {
      const tools = await livingTools();
      // frozen, so that it neither ends by itself nor obeys a polite signal
      for (const pid of tools) process.kill(pid, 'SIGSTOP');
      return tools.length > 0 || undefined;
    },
    60,
    'a tool to run',
  );
  await change(jobId, 'broken');
  const job = await engine.untilEnded(jobId, 20);
  expect(job).toMatchObject({ queue_state: 'broken', failed: true });
  expect(await livingTools()).toEqual([]);
  await untilTold(jobId, 'job failed');
  expect(orderFaults(sink.delivered(jobId))).toEqual([]);
  expect(told(jobId).filter((one) => one.endsWith(' fail')).length).toBeGreaterThan(0);
  expect(told(jobId)).not.toContain('publish start');
  expect(sink.delivered(jobId).at(-1)).toMatchObject({ message: 'The job was given up (broken)' });
  expect(await readdir(join(engine.folder, 'work'))).toEqual([]);
  await expect(readdir(engine.outputFolder('out/broken'))).rejects.toThrow(/ENOENT/);
});

test('a job given up while it is paused ends, cleaned up, with its job end last', async () => {
  const jobId = await submit('paused-broken');
  await untilTold(jobId, 'fetch_source start');
  await change(jobId, 'paused');
  await untilLogged(jobId, /^Paused: its next task waits/);
  await change(jobId, 'broken');
  expect(await engine.untilEnded(jobId, 20)).toMatchObject({ queue_state: 'broken', failed: true });
  await untilTold(jobId, 'job failed');
  expect(told(jobId).at(-2)).toBe('cleanup complete');
  expect(orderFaults(sink.delivered(jobId))).toEqual([]);
});

test('a failed job is run again as a new job, which succeeds once the cause is gone', async () => {
  const jobId = await submit('again', 'later');
  expect(await engine.untilEnded(jobId)).toMatchObject({ failed: true });
  await makeClip(join(await engine.sourceFolder('later'), 'clip.mp4'), 2);
  const response = await engine.request(`/jobs/${jobId}/rerun`, { method: 'POST' });
  const { id } = (await response.json()) as { id: number };
  expect(await engine.untilEnded(id)).toMatchObject({ failed: false, queue_state: 'completed' });
  expect((await engine.job(jobId)).queue_state).toBe('broken');
  await untilTold(id, 'job completed');
});
