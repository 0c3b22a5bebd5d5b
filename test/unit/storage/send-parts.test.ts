import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { partBytesOf, sendParts } from '../../../src/storage/send-parts.ts';

const MB = 1024 ** 2;
const GB = 1024 ** 3;
const TB = 1024 ** 4;

/** What S3 takes: parts of an object, bytes of one. */
const MOST_PARTS = 10_000;
const MOST_PART_BYTES = 5 * GB;

test.each([
  ['uploads', 8 * MB],
  ['copies', 512 * MB],
])('%s of any length have no more parts than S3 takes, none too large', (_, leastBytes) => {
  for (const sizeBytes of [
    1,
    leastBytes,
    leastBytes + 1,
    75 * GB,
    TB,
    5 * TB - 1,
    5 * TB,
    40 * TB,
  ]) {
    const partBytes = partBytesOf(sizeBytes, leastBytes);
    expect(partBytes).toBeGreaterThanOrEqual(leastBytes);
    expect(partBytes).toBeLessThanOrEqual(MOST_PART_BYTES);
    expect(Math.ceil(sizeBytes / partBytes)).toBeLessThanOrEqual(MOST_PARTS);
  }
});

test.each([
  ['1 GB', GB, 4],
  ['300 GB', 300 * GB, 3],
  ['1 TB', TB, 1],
])('of a file of %s no more than 128 MB are in memory at once', async (_, sizeBytes, most) => {
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-parts-'));
  const path = join(folder, 'sparse');
  await writeFile(path, '');
  await truncate(path, sizeBytes);
  const file = await open(path, 'r');
  onTestFinished(async () => {
    await file.close();
    await rm(folder, { recursive: true });
  });
  const stop = new AbortController();
  const areMost = Promise.withResolvers<void>();
  let inMemory = 0;
  const sending = sendParts({
    file,
    sizeBytes,
    signal: stop.signal,
    onRead: () => undefined,
    send: async () => {
      inMemory += 1;
      if (inMemory === most) areMost.resolve();
      await areMost.promise;
      // another one, if there is any, is read meanwhile
      await delay(500);
      stop.abort(new Error('enough'));
    },
  });
  await expect(sending).rejects.toThrow('enough');
  expect(inMemory).toBe(most);
});
