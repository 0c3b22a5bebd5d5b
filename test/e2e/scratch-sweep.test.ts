import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { jobWorkflowId } from '../../src/temporal/names.ts';
import { ffmpeg, makeClip } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';
import { livingTools } from '../helpers/living-tools.ts';

/** After a job's end, its scratch and its tools are gone: seconds. */
const GONE_SECONDS = 10;

let engine: TestEngine;
let client: Client;

beforeAll(async () => {
  engine = await TestEngine.create();
  client = new Client({
    connection: await Connection.connect({ address: inject('services').temporalAddress }),
    namespace: engine.namespace,
  });
  const folder = await engine.sourceFolder('long');
  const part = join(engine.folder, 'part.mp4');
  await makeClip(part, 30);
  // long enough to be in the middle of packaging for a while
  const loop = ['-stream_loop', '79', '-i', part, '-c', 'copy'];
  await ffmpeg(...loop, join(folder, 'long.mp4'));
});

afterAll(async () => {
  await client?.connection.close();
  await engine?.stop();
});

const workRoot = (): string => join(engine.folder, 'work');

/** A job that a tool is just working for. */
async function startPackaging(contentId: string): Promise<number> {
  const jobId = await engine.submit({
    content_id: contentId,
    source_folder: 'long',
    output_folder: `out/${contentId}`,
    create_thumbnail: false,
    generate_mp4: true,
  });
  const folder = join(workRoot(), `job-${jobId}`);
  await until(
    async () => {
      const tools = await livingTools(folder);
      return tools.some((line) => /packager|faststart/.test(line)) || undefined;
    },
    60,
    `a tool to work for job ${jobId}`,
  );
  return jobId;
}

const terminate = (jobId: number): Promise<unknown> =>
  client.workflow.getHandle(jobWorkflowId(jobId)).terminate('by the test');

test('scratch and tools of jobs that a person terminated are gone soon after their end, also where their worker was killed', async () => {
  const foreign = join(workRoot(), 'not-a-job');
  await mkdir(foreign, { recursive: true });

  const orphan = await startPackaging('orphan');
  process.kill(engine.worker?.pid ?? 0, 'SIGKILL');
  await engine.worker?.ended;
  await terminate(orphan);
  expect(await readdir(workRoot())).toContain(`job-${orphan}`);
  await engine.startWorker();
  const terminated = await startPackaging('terminated');
  await terminate(terminated);

  for (const jobId of [orphan, terminated]) {
    expect(await engine.untilEnded(jobId, 90)).toMatchObject({ failed: true });
    await until(
      async () => {
        const isLeft = (await readdir(workRoot())).includes(`job-${jobId}`);
        const tools = await livingTools(join(workRoot(), `job-${jobId}`));
        return isLeft || tools.length > 0 ? undefined : true;
      },
      GONE_SECONDS,
      `scratch and tools of job ${jobId} to go`,
    );
  }
  expect((await stat(foreign)).isDirectory()).toBe(true);
});
