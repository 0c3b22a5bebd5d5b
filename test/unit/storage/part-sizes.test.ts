import { expect, test } from 'vitest';
import { partBytesOf } from '../../../src/storage/send-parts.ts';

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
