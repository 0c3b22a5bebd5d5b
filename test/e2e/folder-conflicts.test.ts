import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeClip } from '../helpers/clips.ts';
import { type JobAnswer, TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.create();
  await makeClip(join(await engine.sourceFolder('clip'), 'clip.mp4'), 2);
});

afterAll(() => engine?.stop());

const timeOf = (job: JobAnswer | undefined, name: string): number =>
  Date.parse(String(job?.[name]));

test('of two jobs at once on one folder the second waits, says why, and both end well', async () => {
  await engine.set('undo_window', 0);
  const parameters = { content_id: 'film', source_folder: 'clip', output_folder: 'vod/film' };
  const ids = await Promise.all([engine.submit(parameters), engine.submit(parameters)]);
  const jobs = await Promise.all(ids.map((id) => engine.untilEnded(id)));
  // ids are given before jobs are kept: of two at once the later one may be kept, and admitted, first
  const [first, second] = jobs.toSorted(
    (a, b) => timeOf(a, 'started_at') - timeOf(b, 'started_at'),
  );
  expect([first, second]).toMatchObject([{ failed: false }, { failed: false }]);
  expect(timeOf(second, 'started_at')).toBeGreaterThanOrEqual(timeOf(first, 'ended_at'));
  const log = (await (await engine.request(`/logs/${String(second?.['id'])}`)).json()) as readonly {
    readonly message: string;
  }[];
  expect(log.map((row) => row.message)).toContain(
    `Waits for job ${String(first?.['id'])}, which writes the same folder: local:${engine.outputFolder('vod/film')}`,
  );
  // the second's publication took the place of the first's, whole
  const names = await readdir(engine.outputFolder('vod/film'));
  expect(names).toContain('film.m3u8');
  expect(names.filter((name) => name.includes(`-${String(first?.['id'])}-`))).toEqual([]);
});
