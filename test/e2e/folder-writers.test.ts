import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeClip } from '../helpers/clips.ts';
import { type JobAnswer, TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.create();
  await makeClip(`${await engine.sourceFolder('clip')}/clip.mp4`, 2);
});

afterAll(() => engine?.stop());

const timeOf = (job: JobAnswer | undefined, name: string): number =>
  Date.parse(String(job?.[name]));

test('of two jobs for one folder submitted at once the second runs after the first, and both end well', async () => {
  const parameters = { content_id: 'film', source_folder: 'clip', output_folder: 'vod/film' };
  const ids = await Promise.all([engine.submit(parameters), engine.submit(parameters)]);
  const ended = await Promise.all(ids.map((id) => engine.untilEnded(id)));
  expect(ended).toMatchObject([{ failed: false }, { failed: false }]);
  // whichever was kept first
  const [first, second] = ended.sort((a, b) => timeOf(a, 'started_at') - timeOf(b, 'started_at'));
  expect(timeOf(second, 'started_at')).toBeGreaterThanOrEqual(timeOf(first, 'ended_at'));
  const log = (await (await engine.request(`/logs/${second?.['id']}`)).json()) as {
    message: string;
  }[];
  expect(log.map((row) => row.message)).toContain(
    `Waits for job ${first?.['id']}, which writes the same folder: local:${engine.outputFolder('vod/film')}`,
  );
});
