import { expect, test } from 'vitest';
import { packagingNeedBytes } from '../../../activities/files/fetch/scratch-need.ts';

const MB = 1e6;
const media = (extension: string, sizeBytes = 100 * MB) =>
  ({ role: 'media', extension, sizeBytes }) as const;

test('an MP4 needs its source and two copies of its tracks', () => {
  expect(packagingNeedBytes([media('mp4')], {})).toBe(2 * MB + 100 * MB + 204 * MB);
});

test('other containers need a copy for the packager, and a job that makes an MP4 that MP4', () => {
  const plain = packagingNeedBytes([media('m4v')], {});
  for (const extension of ['mkv', 'mov', 'mpg', 'avi']) {
    expect(packagingNeedBytes([media(extension)], {}) - plain).toBeCloseTo(102 * MB);
  }
  expect(packagingNeedBytes([media('m4v')], { makesMp4: true }) - plain).toBeCloseTo(102 * MB);
});

test('sources add up, captions are written once', () => {
  const captions = { role: 'captions', extension: 'srt', sizeBytes: MB } as const;
  const both = packagingNeedBytes([media('mp4'), media('m4a', 10 * MB), captions], {});
  const one = packagingNeedBytes([media('mp4')], {});
  expect(both - one).toBeCloseTo(10 * MB + 20.4 * MB + 2.02 * MB);
});
