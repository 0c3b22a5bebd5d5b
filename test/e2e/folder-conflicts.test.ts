import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeClip } from '../helpers/clips.ts';
import { TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.create();
  await makeClip(join(await engine.sourceFolder('clip'), 'clip.mp4'), 2);
});

afterAll(() => engine?.stop());

test('of two jobs at once on one folder the second waits, says why, and both end well', async () => {
  const parameters = { content_id: 'film', source_folder: 'clip', output_folder: 'vod/film' };
  const ids = await Promise.all([engine.submit(parameters), engine.submit(parameters)]);
  const jobs = await Promise.all(ids.map((id) => engine.untilEnded(id)));
  const [first, second] = jobs.toSorted((a, b) => Number(a['id']) - Number(b['id']));
  expect([first, second]).toMatchObject([{ failed: false }, { failed: false }]);
  expect(Date.parse(String(second?.['started_at']))).toBeGreaterThanOrEqual(
    Date.parse(String(first?.['ended_at'])),
  );
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
