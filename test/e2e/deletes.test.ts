import { access, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CallbackSink } from '../helpers/callback-sink.ts';
import { makeClip } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';

let engine: TestEngine;
let sink: CallbackSink;

beforeAll(async () => {
  engine = await TestEngine.create();
  sink = await new CallbackSink().start();
  await makeClip(join(await engine.sourceFolder('clip'), 'clip.mp4'), 2);
  for (const folder of ['vod/movie1', 'vod/movie10']) {
    const jobId = await engine.submit({
      content_id: 'film',
      source_folder: 'clip',
      output_folder: folder,
      generate_mp4: true,
    });
    expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
  }
});

afterAll(async () => {
  await engine?.stop();
  await sink?.close();
});

const dryRun = async (workflow: string, parameters: Record<string, unknown>) => {
  const body = JSON.stringify({ job: { workflow }, parameters });
  const response = await engine.request('/job?dry_run=1', { method: 'POST', body });
  return (await response.json()) as Record<string, any>;
};

/** Runs a job and returns the callbacks that it told, the end last. */
async function run(workflow: string, parameters: Record<string, unknown>) {
  const rest_endpoints = [sink.url()];
  const jobId = await engine.submit({ ...parameters, rest_endpoints }, { workflow });
  const job = await engine.untilEnded(jobId);
  await until(async () => sink.hasEnd(jobId) || undefined, 20, 'the job end');
  return { jobId, job, callbacks: sink.delivered(jobId) };
}

test('asset_delete deletes the files it names and tells which were there', async () => {
  const files = ['vod/movie10/film.mp4', 'vod/movie10/none.mp4'];
  const planned = await dryRun('asset_delete', { content_id: 'film', files });
  expect(planned['deletes']).toMatchObject({ folder: null, count: 1 });
  expect(planned['tasks']).toEqual([{ name: 'delete_files', queue: 'work' }]);
  const { job, callbacks } = await run('asset_delete', { content_id: 'film', files });
  expect(job).toMatchObject({ failed: false, message: files.join(', ') });
  expect(callbacks.map((one) => [one['task_name'], one['event']])).toEqual([
    ['delete_files', 'start'],
    ['delete_files', 'complete'],
    [undefined, undefined],
  ]);
  expect(callbacks.at(-1)).toMatchObject({
    status: 'completed',
    content_id: 'film',
    message: files.join(', '),
    files: [engine.outputFolder('vod/movie10/film.mp4')],
  });
  const left = await readdir(engine.outputFolder('vod/movie10'));
  expect(left).not.toContain('film.mp4');
  expect(left).toContain('film.m3u8');
});

test('voddelete deletes an asset, tells its folder and files, and lists them in the log', async () => {
  const folder = engine.outputFolder('vod/movie1');
  const names = await readdir(folder);
  await writeFile(join(engine.outputFolder('vod'), 'movie1.txt'), 'a neighbour');
  const planned = await dryRun('voddelete', { folder: 'vod/movie1' });
  expect(planned['deletes']).toMatchObject({ folder, count: names.length });
  const { jobId, job, callbacks } = await run('voddelete', { folder: 'vod/movie1' });
  expect(job).toMatchObject({ failed: false, message: folder, content_id: null });
  const end = callbacks.at(-1) as { readonly files: readonly string[] };
  expect(end).toMatchObject({ status: 'completed', content_id: null, message: folder });
  expect([...end.files].sort()).toEqual(names.map((name) => join(folder, name)).sort());
  await expect(access(folder)).rejects.toThrow('ENOENT');
  expect(await readdir(engine.outputFolder('vod'))).toEqual(['movie1.txt', 'movie10']);
  const log = await (await engine.request(`/logs/${jobId}`)).text();
  for (const name of names) expect(log).toContain(name);
});

test('voddelete of a folder that is not there fails and names it', async () => {
  const { job, callbacks } = await run('voddelete', { folder: 'vod/never', content_id: 'n' });
  const message = `${engine.outputFolder('vod/never')} holds no files; nothing was deleted`;
  const planned = await dryRun('voddelete', { folder: 'vod/never' });
  expect(planned).toEqual({ error: `parameters.folder: ${message}` });
  expect(job).toMatchObject({ failed: true, message });
  expect(callbacks.at(-1)).toMatchObject({ status: 'failed', content_id: 'n', message });
});
