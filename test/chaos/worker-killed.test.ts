import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CallbackSink, orderFaults } from '../helpers/callback-sink.ts';
import { ffmpeg, makeClip, pictureHashes } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';
import { livingTools } from '../helpers/living-tools.ts';

const KILLS = 10;

let engine: TestEngine;
let sink: CallbackSink;

beforeAll(async () => {
  engine = await TestEngine.create();
  sink = await new CallbackSink().start();
  const folder = await engine.sourceFolder('long');
  await makeClip(join(engine.folder, 'part.mp4'), 30);
  // long enough that packaging takes a moment in which to be killed
  await ffmpeg(
    '-stream_loop',
    '39',
    '-i',
    join(engine.folder, 'part.mp4'),
    '-c',
    'copy',
    join(folder, 'long.mp4'),
  );
});

afterAll(async () => {
  await sink.close();
  await engine.stop();
});

test('a worker killed ten times in the middle of package loses nothing and leaves nothing', async () => {
  const jobs: number[] = [];
  for (let at = 0; at < KILLS; at++) {
    const jobId = await engine.submit({
      content_id: `long${at}`,
      source_folder: 'long',
      output_folder: `out/${at}`,
      create_thumbnail: false,
      rest_endpoints: [sink.url()],
    });
    jobs.push(jobId);
    await until(
      async () => {
        const told = sink.delivered(jobId).map((body) => `${body['task_name']} ${body['event']}`);
        return told.includes('package start') || undefined;
      },
      60,
      `package of job ${jobId} to start`,
    );
    await delay(Math.random() * 800);
    const worker = engine.worker;
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    await worker?.ended;
    await until(
      async () =>
        (await livingTools(join(engine.folder, 'work'))).length === 0 ? true : undefined,
      5,
      'the tools to die with it',
    );
    await engine.startWorker();
    expect(await engine.untilEnded(jobId)).toMatchObject({
      queue_state: 'completed',
      failed: false,
    });
  }

  const expected = await pictureHashes(join(engine.folder, 'part.mp4'));
  for (const [at, jobId] of jobs.entries()) {
    await until(async () => sink.hasEnd(jobId) || undefined, 90, `the end of job ${jobId}`);
    const names = await readdir(engine.outputFolder(`out/${at}`));
    expect(names.filter((name) => name.endsWith('.m3u8') && !name.includes(`-${jobId}-`))).toEqual([
      `long${at}.m3u8`,
    ]);
    expect(names.every((name) => !name.startsWith('.te-'))).toBe(true);

    // a callback may come twice where its sender was killed after the answer: the same bytes again
    const byEvent = new Map<string, Set<string>>();
    for (const request of sink.requests.filter((one) => one.body['job_id'] === jobId)) {
      const phase = request.body['event'] === 'start' ? 'start' : 'end';
      const key = `${String(request.body['task_id'] ?? 'job')} ${phase}`;
      byEvent.set(key, (byEvent.get(key) ?? new Set()).add(request.text));
    }
    for (const [key, texts] of byEvent) expect([key, texts.size]).toEqual([key, 1]);
    const first = [
      ...new Map(sink.delivered(jobId).map((body) => [JSON.stringify(body), body])).values(),
    ];
    expect(orderFaults(first)).toEqual([]);
  }
  const manifest = join(engine.outputFolder('out/0'), 'long0.m3u8');
  expect((await pictureHashes(manifest)).slice(0, expected.length)).toEqual(expected);
  expect(await readdir(join(engine.folder, 'work'))).toEqual([]);
  expect(await livingTools(join(engine.folder, 'work'))).toEqual([]);
});
