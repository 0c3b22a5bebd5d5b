import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProgress } from '../../dev/progress.ts';
import { ensureTemporal } from '../../dev/setup/temporal.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import type { RunningPiece } from '../../dev/stack/piece.ts';
import { temporalPiece } from '../../dev/stack/pieces.ts';
import { readConfig } from '../../src/config/config.ts';
import { makeClip } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';

let folder: string;
let engine: TestEngine;
let temporal: RunningPiece;
let startTemporal: () => Promise<RunningPiece>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'task-engine-temporal-'));
  const program = await ensureTemporal(readConfig(), createProgress(process.stdout));
  const port = await freePort(0, 'PORT');
  const uiPort = await freePort(0, 'PORT');
  engine = await TestEngine.create({ isStarted: false, temporalAddress: `127.0.0.1:${port}` });
  const { namespace } = engine;
  const file = join(folder, 'temporal.db');
  const logFile = join(folder, 'temporal.log');
  startTemporal = () => temporalPiece({ program, port, uiPort, namespace, file, logFile }).start();
  await engine.startApi();
  await makeClip(`${await engine.sourceFolder('clip')}/clip.mp4`, 2);
});

afterAll(async () => {
  await temporal?.stop();
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

const submit = (contentId: string): Promise<number> =>
  engine.submit({
    content_id: contentId,
    source_folder: 'clip',
    output_folder: `out/${contentId}`,
  });

test('jobs submitted while Temporal has never been there run once it comes', async () => {
  const early = await Promise.all(['a', 'b', 'c', 'd'].map(submit));
  await until(
    async () => (await engine.job(early[0] ?? 0)).queue_state === 'started' || undefined,
    10,
    'the first job to get a slot',
  );
  temporal = await startTemporal();
  await engine.startWorker();
  for (const jobId of early) {
    expect(await engine.untilEnded(jobId)).toMatchObject({
      queue_state: 'completed',
      failed: false,
    });
  }
});

test('jobs submitted while Temporal is killed run once it is back on its file', async () => {
  process.kill(temporal.pid, 'SIGKILL');
  await temporal.ended;
  const late = await Promise.all(['e', 'f', 'g', 'h'].map(submit));
  temporal = await startTemporal();
  for (const jobId of late) {
    expect(await engine.untilEnded(jobId)).toMatchObject({
      queue_state: 'completed',
      failed: false,
    });
  }
});
