import { randomBytes } from 'node:crypto';
import { appendFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFetchSource } from '../../../activities/files/fetch/fetch-source.ts';
import { jobScratch } from '../../../activities/scratch.ts';
import type { StorageKind } from '../../../src/domain/storage-kind.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { type Fault, FaultProxy } from '../../helpers/fault-proxy.ts';
import { openWire, REMOTE_KINDS, storeUrl, type Wire } from '../../helpers/wires.ts';
import { Scene, TestTask } from './scene.ts';

const SIZE = 9_000_000;

/** Fetches the source of job 7; nothing of it may be staged. */
async function fetchFails(
  scene: Scene,
  storage: StorageKind,
  task = new TestTask(7),
): Promise<string> {
  const failure = await createFetchSource(scene.deps)(task, {
    jobId: 7,
    tenant: 'acme',
    storage,
    folder: 'film',
    asset: 'film',
    retries: 0,
  }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ type: 'StorageFailed' });
  const left = await readdir(jobScratch(scene.workRoot, 7)).catch(() => []);
  expect(left).not.toContain('source');
  return (failure as Error).message;
}

describe.each(REMOTE_KINDS)('a source on %s', (kind) => {
  let proxy: FaultProxy;
  let wire: Wire;
  let scene: Scene;

  beforeEach(async () => {
    proxy = await new FaultProxy(storeUrl(kind)).start();
    wire = await openWire(kind, proxy.url);
    scene = await Scene.create({ input: wire.driver });
    await put(wire.straight, SIZE);
  });

  afterEach(async () => {
    await proxy.close();
    await scene.remove();
  });

  const put = async (storage: StorageDriver, sizeBytes: number): Promise<void> => {
    await writeFile(join(scene.base, 'up'), randomBytes(sizeBytes));
    await storage.upload(join(scene.base, 'up'), 'film/a.mp4');
  };

  /** Breaks every answer that holds a file's bytes. */
  const breakBodies = (fault: Fault): void => {
    proxy.fault = ({ method, headers }) =>
      method === 'GET' && (headers.range ?? headers['x-ms-range']) !== undefined
        ? fault
        : undefined;
  };

  test('whose answers break off again and again fails the task', async () => {
    // each try goes on where the one before ended: the whole would arrive if each were cut at half
    breakBodies({ kind: 'cut', afterBytes: 1000 });
    expect(await fetchFails(scene, kind)).toMatch(
      /^The storage broke off fetching .*film\/a\.mp4 again and again \(\w+\)$/,
    );
  });

  test('that ends at half and does not say its length fails the task', async () => {
    breakBodies({ kind: 'unsized', afterBytes: SIZE / 2 });
    expect(await fetchFails(scene, kind)).toMatch(
      /answered with an unknown number of bytes of .*film\/a\.mp4 where 9000000 were asked for$/,
    );
  });

  test('whose range is shorter than asked for fails the task', async () => {
    breakBodies({ kind: 'short', byBytes: SIZE / 2 });
    expect(await fetchFails(scene, kind)).toMatch(
      /answered with 4500000 bytes of .*film\/a\.mp4 where 9000000 were asked for$/,
    );
  });

  test.each([
    ['shorter', -1000],
    ['longer', 1000],
  ])('that says to be %s than it was listed fails the task', async (_, byBytes) => {
    proxy.fault = ({ method }) => (method === 'HEAD' ? { kind: 'lying', byBytes } : undefined);
    expect(await fetchFails(scene, kind)).toMatch(/film\/a\.mp4/);
  });

  test.each([
    ['is replaced', SIZE],
    ['grows', SIZE + 1_000_000],
  ])('that %s between its first question and its bytes fails the task', async (_, sizeBytes) => {
    proxy.fault = async ({ method, headers }) => {
      const isOfBytes = (headers.range ?? headers['x-ms-range']) !== undefined;
      if (method === 'GET' && isOfBytes) await put(wire.straight, sizeBytes);
      return undefined;
    };
    expect(await fetchFails(scene, kind)).toMatch(/film\/a\.mp4 changed while it was fetched$/);
  });
});

test.each([
  ['grows', (path: string) => appendFile(path, 'more')],
  ['is cut short', (path: string) => truncate(path, 1000)],
])('a source on a local disk that %s while it is fetched fails the task', async (_, change) => {
  const scene = await Scene.create();
  try {
    const path = await scene.putSource('film/a.mp4', Buffer.alloc(60_000_000));
    const task = new TestTask(7);
    let changing: Promise<void> | undefined;
    task.progress = ({ doneBytes = 0 }) => {
      if (doneBytes > 0) changing ??= change(path);
    };
    expect(await fetchFails(scene, 'local', task)).toBe('film/a.mp4 changed while it was fetched');
    await changing;
  } finally {
    await scene.remove();
  }
});
