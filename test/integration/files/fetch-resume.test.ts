import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, inject, onTestFinished, test } from 'vitest';
import { createFetchSource } from '../../../activities/files/fetch/fetch-source.ts';
import { jobScratch, stageFolder } from '../../../activities/scratch.ts';
import { WorkError } from '../../../src/domain/failure.ts';
import { journalPath, RANGE_BYTES } from '../../../src/storage/range-journal.ts';
import { createS3Client } from '../../../src/storage/s3-client.ts';
import { createS3Storage } from '../../../src/storage/s3.ts';
import { FaultProxy } from '../../helpers/fault-proxy.ts';
import { newBucket, openTestStorage, type TestStorage } from '../../helpers/storages.ts';
import { Scene, TestTask } from './scene.ts';

let storage: TestStorage;
let scene: Scene;

beforeEach(async () => {
  storage = await openTestStorage('local');
  scene = await Scene.create({ input: storage.driver });
  for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) await put(`film/${name}`, `bytes of ${name}`);
});

afterEach(async () => {
  await scene.remove();
  await storage.remove();
});

const put = async (key: string, content: string): Promise<void> => {
  const path = join(scene.base, 'up');
  await writeFile(path, content);
  await storage.driver.upload(path, key);
};

const fetchSource = (task: TestTask, retries = 0) =>
  createFetchSource(scene.deps)(task, {
    jobId: 7,
    tenant: 'acme',
    storage: 'local',
    folder: 'film',
    asset: 'film',
    retries,
  });

const stage = () => stageFolder(scene.workRoot, 7, 'source');
const staged = (name: string) => readFile(join(stage(), name), 'utf8');

const expectStaged = async (): Promise<void> => {
  for (const [at, name] of ['a.mp4', 'b.mp4', 'c.mp4'].entries()) {
    expect(await staged(`source_${at + 1}.mp4`)).toBe(`bytes of ${name}`);
  }
  expect(await readdir(jobScratch(scene.workRoot, 7))).toEqual(['source']);
};

/** Makes every fetch of a file fail, once those before it in the listing are whole. */
const failAt = (key: string): void => {
  scene.input.before = async (call, asked) => {
    if (call !== 'download' || asked !== key) return;
    await delay(100);
    throw new WorkError('StorageFailed', 'no answer');
  };
};

const heal = (): void => {
  scene.input.before = async () => undefined;
};

test('an attempt takes over what the one before has fetched, and tells how much', async () => {
  failAt('film/c.mp4');
  await expect(fetchSource(new TestTask(7, 1))).rejects.toThrow('no answer');
  heal();
  const second = new TestTask(7, 2);
  await fetchSource(second);
  expect(second.notes).toEqual(['INFO Resumed: 28 bytes of 42 bytes were on disk']);
  expect(second.told.at(-1)).toMatchObject({ doneBytes: 42, doneRatio: 1 });
  await expectStaged();
});

test('a further try inside one attempt goes on, too, after the tenant’s retry_delay', async () => {
  failAt('film/c.mp4');
  scene.retryDelaySeconds = 0.3;
  const task = new TestTask(7);
  setTimeout(heal, 200);
  await fetchSource(task, 1);
  expect(task.notes).toEqual([
    'WARN no answer; fetching again in 0.3 s (1 of 1)',
    'INFO Resumed: 28 bytes of 42 bytes were on disk',
  ]);
});

test('an attempt whose end was not heard is not repeated', async () => {
  await fetchSource(new TestTask(7, 1));
  const { ino } = await stat(join(stage(), 'source_1.mp4'));
  const second = new TestTask(7, 2);
  await fetchSource(second);
  expect(second.notes).toEqual(['INFO Resumed: 42 bytes of 42 bytes were on disk']);
  expect((await stat(join(stage(), 'source_1.mp4'))).ino).toBe(ino);
  await expectStaged();
});

test('what is no part of a source any more goes', async () => {
  await fetchSource(new TestTask(7, 1));
  await storage.driver.delete(['film/c.mp4']);
  await fetchSource(new TestTask(7, 2));
  const names = (await readdir(stage())).filter((name) => name.startsWith('source_')).sort();
  expect(names).toEqual(
    ['source_1.mp4', 'source_2.mp4'].flatMap((name) => [name, journalPath(name)]),
  );
});

test('an attempt that was frozen and wakes up after another has staged changes nothing', async () => {
  const gate = Promise.withResolvers<void>();
  const isFrozen = Promise.withResolvers<void>();
  scene.input.before = async (_call, key) => {
    if (key !== 'film/c.mp4') return;
    isFrozen.resolve();
    await gate.promise;
  };
  const frozen = fetchSource(new TestTask(7, 1), 2).catch((error: unknown) => error);
  await isFrozen.promise;
  heal();
  await fetchSource(new TestTask(7, 2));
  gate.resolve();
  expect(await frozen).toBeInstanceOf(Error);
  await expectStaged();
});

test('of several folders that attempts left, one is taken over and none stays', async () => {
  failAt('film/b.mp4');
  await expect(fetchSource(new TestTask(7, 1))).rejects.toThrow('no answer');
  const [left = ''] = await readdir(jobScratch(scene.workRoot, 7));
  await rename(join(jobScratch(scene.workRoot, 7), left), join(scene.base, 'kept'));
  await expect(fetchSource(new TestTask(7, 2))).rejects.toThrow('no answer');
  await rename(join(scene.base, 'kept'), join(jobScratch(scene.workRoot, 7), left));
  heal();
  await fetchSource(new TestTask(7, 3));
  await expectStaged();
});

test('an attempt that was frozen before it began leaves the folder of a later one alone', async () => {
  const later = join(jobScratch(scene.workRoot, 7), '.source-8-2-run');
  await mkdir(later, { recursive: true });
  await writeFile(join(later, 'source_1.mp4'), 'of the owner');
  await fetchSource(new TestTask(7, 1));
  expect(await readFile(join(later, 'source_1.mp4'), 'utf8')).toBe('of the owner');
});

test('an attempt that began before and staged later gives way to the one that owns the task', async () => {
  const late = new TestTask(7, 2);
  scene.input.before = async () => {
    // as another attempt would have, that came late to its folder
    await mkdir(stage(), { recursive: true });
    await writeFile(join(stage(), 'source_1.mp4'), 'of a frozen attempt');
  };
  await fetchSource(late);
  await expectStaged();
});

test('where there is no room, what was fetched makes some', async () => {
  failAt('film/c.mp4');
  await expect(fetchSource(new TestTask(7, 1))).rejects.toThrow('no answer');
  scene.input.before = async () => {
    throw new WorkError('NoSpace', 'No space left');
  };
  await expect(fetchSource(new TestTask(7, 2))).rejects.toThrow('No space left');
  expect(await readdir(jobScratch(scene.workRoot, 7))).toEqual([]);
});

test('a worker that is killed in the middle of a large file is gone on from by the next one', async () => {
  const { settings, client } = await newBucket();
  const proxy = await new FaultProxy(inject('stores').s3.endpoint).start();
  const through = { ...settings, endpoint: proxy.url };
  onTestFinished(async () => {
    client.destroy();
    await proxy.close();
  });
  const straight = createS3Storage(client, settings);
  const content = randomBytes(4 * RANGE_BYTES + 500_000);
  await writeFile(join(scene.base, 'up'), content);
  await straight.upload(join(scene.base, 'up'), 'film/a.mp4');
  // the third range hangs: the others end
  proxy.fault = ({ headers }) =>
    headers.range?.startsWith(`bytes=${2 * RANGE_BYTES}-`) === true ? { kind: 'hang' } : undefined;
  const secret = inject('stores').s3.secretAccessKey;
  const worker = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'killed-fetcher.ts'),
      scene.workRoot,
      JSON.stringify(through),
      secret,
    ],
    { stdio: 'inherit' },
  );
  const exit = once(worker, 'exit');
  try {
    await untilRangesAre(4);
  } finally {
    worker.kill('SIGKILL');
    await exit;
  }
  const before = proxy.requests.length;
  proxy.fault = () => undefined;
  const driver = createS3Storage(createS3Client(through, secret), through);
  const task = new TestTask(7, 2);
  const input = { jobId: 7, tenant: 'acme', folder: 'film', asset: 'film', retries: 0 };
  await createFetchSource({ ...scene.deps, storages: { open: async () => driver } })(task, {
    ...input,
    storage: 'S3',
  });
  // without the look at the file's structure, which comes before each fetch
  const ranges = proxy.requests
    .slice(before)
    .flatMap(({ headers }) => headers.range ?? [])
    .filter((range) => range !== 'bytes=0-65535');
  expect(ranges).toEqual([`bytes=${2 * RANGE_BYTES}-${3 * RANGE_BYTES - 1}`]);
  expect(task.notes).toEqual(['INFO Resumed: 101.2 MB of 134.7 MB were on disk']);
  expect((await readFile(join(stage(), 'source_1.mp4'))).equals(content)).toBe(true);
});

/** Waits until a worker of job 7 has journaled so many ranges. */
async function untilRangesAre(count: number): Promise<void> {
  const job = jobScratch(scene.workRoot, 7);
  for (;;) {
    const [attempt = ''] = await readdir(job).catch(() => []);
    const path = journalPath(join(job, attempt, 'source_1.mp4'));
    const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n');
    // the head, and what follows the last line end
    if (lines.length - 2 >= count) return;
    await delay(20);
  }
}
