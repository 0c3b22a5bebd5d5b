import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CallbackSink } from '../helpers/callback-sink.ts';
import { makeClip, pictureHashes } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';

let engine: TestEngine;
let sink: CallbackSink;

beforeAll(async () => {
  engine = await TestEngine.create();
  sink = await new CallbackSink().start();
});

afterAll(async () => {
  await engine?.stop();
  await sink?.close();
});

const FOLDER = 'vod/film';
/** The default of `undo_window`. */
const HOUR_MS = 3_600_000;
/** Between the clocks of Postgres and of the test. */
const CLOCKS_MS = 2_000;

async function contents(): Promise<ReadonlyMap<string, string>> {
  const folder = engine.outputFolder(FOLDER);
  const found = new Map<string, string>();
  for (const name of (await readdir(folder)).sort()) {
    const bytes = await readFile(join(folder, name));
    found.set(name, createHash('sha256').update(bytes).digest('hex'));
  }
  return found;
}

async function undo(jobId: number) {
  const response = await engine.request(`/jobs/${jobId}/undo`, { method: 'POST' });
  return { status: response.status, json: (await response.json()) as Record<string, any> };
}

async function undoUntil(jobId: number): Promise<number | null> {
  const job = (await (await engine.request(`/jobs/${jobId}`)).json()) as {
    readonly undo_until: string | null;
  };
  return job.undo_until === null ? null : Date.parse(job.undo_until);
}

const publish = async (source: string): Promise<number> => {
  const jobId = await engine.submit({
    content_id: 'film',
    source_folder: source,
    output_folder: FOLDER,
    generate_mp4: true,
    custom_data: { from: source },
    rest_endpoints: [sink.url()],
  });
  expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
  return jobId;
};

test('an undo puts the former asset on air again, tells the callbacks, and cannot be repeated', async () => {
  await makeClip(join(await engine.sourceFolder('right'), 'right.mp4'), 3);
  await makeClip(join(await engine.sourceFolder('wrong'), 'wrong.mp4'), 2);
  const right = await publish('right');
  expect(await undo(right)).toMatchObject({
    status: 409,
    json: { error: expect.stringMatching(/^Nothing is kept that was on air before job/) },
  });
  expect(await undoUntil(right)).toBeNull();
  const before = await contents();
  const startedMs = Date.now();
  const wrong = await publish('wrong');
  expect(await undoUntil(wrong)).toBeGreaterThan(startedMs + HOUR_MS - CLOCKS_MS);
  expect(await undoUntil(wrong)).toBeLessThan(Date.now() + HOUR_MS + CLOCKS_MS);
  expect(await undo(right)).toMatchObject({
    status: 409,
    json: { error: expect.stringContaining(`Job ${wrong} has published this asset after`) },
  });
  const { status, json } = await undo(wrong);
  expect([status, json]).toEqual([200, { id: wrong, job_id: json['job_id'], result: 'accepted' }]);
  const jobId = json['job_id'] as number;
  expect(await undoUntil(wrong)).toBeNull();
  const job = await engine.untilEnded(jobId);
  const manifest = engine.outputFolder(`${FOLDER}/film.m3u8`);
  expect(job).toMatchObject({ workflow: 'undo_publish', failed: false, message: manifest });
  expect(await contents()).toEqual(before);
  const played = await pictureHashes(manifest);
  expect(played).toEqual(
    await pictureHashes(join(await engine.sourceFolder('right'), 'right.mp4')),
  );

  await until(async () => sink.hasEnd(jobId) || undefined, 20, 'the job end');
  const told = sink.delivered(jobId);
  expect(told.map((one) => [one['task_name'], one['event']])).toEqual([
    ['restore_publication', 'start'],
    ['restore_publication', 'complete'],
    [undefined, undefined],
  ]);
  expect(told.at(-1)).toMatchObject({
    status: 'completed',
    content_id: 'film',
    message: manifest,
    custom_data: { from: 'wrong' },
    metadata: { duration: 3 },
  });
  const files = (told.at(-1) as { readonly files: readonly string[] }).files;
  expect(files.map((path) => path.slice(path.lastIndexOf('/') + 1)).sort()).toEqual([
    ...before.keys(),
  ]);
  const log = await (await engine.request(`/logs/${wrong}`)).text();
  expect(log).toContain(`Publication is being undone by job ${jobId}`);
  expect(await undo(wrong)).toMatchObject({
    status: 409,
    json: { error: `Job ${wrong} was undone already, by job ${jobId}` },
  });
  expect(await undo(right)).toMatchObject({
    status: 409,
    json: { error: expect.stringMatching(/^Nothing is kept that was on air before job/) },
  });
  expect((await undo(999_999)).status).toBe(404);
});

test('a publication that an undo has put back is not undone in its turn, and the refusal says why', async () => {
  const second = await publish('wrong');
  const third = await publish('right');
  const { json } = await undo(third);
  expect(await engine.untilEnded(json['job_id'] as number)).toMatchObject({ failed: false });
  expect(await undo(second)).toMatchObject({
    status: 409,
    json: { error: expect.stringContaining('or another job has published since') },
  });
});

test('an undo cannot be submitted', async () => {
  await expect(engine.submit({ job_id: 1 }, { workflow: 'undo_publish' })).rejects.toThrow(
    /"undo_publish" is not submitted; ask by POST \/jobs\/:id\/undo/,
  );
});
