import { readdir } from 'node:fs/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeClip } from '../helpers/clips.ts';
import { TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.create();
});

afterAll(() => engine?.stop());

const dryRun = async (parameters: Record<string, unknown>) => {
  const response = await engine.request('/job?dry_run=1', {
    method: 'POST',
    body: JSON.stringify({ job: { workflow: 'vodstream' }, parameters }),
  });
  return { status: response.status, json: (await response.json()) as Record<string, any> };
};

/** Tasks that a job has run, in the order in which they were scheduled. */
async function tasksOf(jobId: number): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM tasks WHERE job_id = ${jobId} ORDER BY number`.execute(engine.database.db);
  return rows.map((row) => row.name);
}

test.each([
  ['plain', {}],
  ['bare', { create_thumbnail: false }],
  ['full', { generate_mp4: true, delete_source: true }],
])(
  'the tasks that a dry run plans are those that the job then runs, in that order: %s',
  async (name, options) => {
    await makeClip(`${await engine.sourceFolder(name)}/clip.mp4`, 2);
    const parameters = {
      content_id: name,
      source_folder: name,
      output_folder: `out/${name}`,
      ...options,
    };
    const planned = await dryRun(parameters);
    expect(planned.status).toBe(200);
    const jobId = await engine.submit(parameters);
    expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
    expect(await tasksOf(jobId)).toEqual(
      planned.json['tasks'].map((task: { name: string }) => task.name),
    );
    expect(planned.json['output'].folder).toBe(engine.outputFolder(`out/${name}`));
    expect(await readdir(planned.json['output'].folder)).toContain(`${name}.m3u8`);
  },
);

test('a dry run sees the sources that the job sees: not what was published beside them', async () => {
  await makeClip(`${await engine.sourceFolder('same')}/clip.mp4`, 2);
  const parameters = { content_id: 'same', source_folder: 'same' };
  // the output root is made the input root, so that the asset lands beside its source
  await sql`UPDATE tenants SET output_root = ${`${engine.folder}/input/acme`} WHERE name = 'acme'`.execute(
    engine.database.db,
  );
  const before = (await dryRun(parameters)).json['source'];
  await engine.untilEnded(await engine.submit(parameters));
  expect((await readdir(await engine.sourceFolder('same'))).length).toBeGreaterThan(3);
  expect((await dryRun(parameters)).json['source']).toEqual(before);
  expect(before.files.map((file: { name: string }) => file.name)).toEqual(['clip.mp4']);
});

test('a folder without a source is refused with the words in which the job fails', async () => {
  const parameters = { content_id: 'none', source_folder: 'none' };
  const { status, json } = await dryRun(parameters);
  const job = await engine.untilEnded(await engine.submit(parameters));
  expect([status, json['error']]).toEqual([
    400,
    `parameters.source_folder: ${String(job['message'])}`,
  ]);
});
