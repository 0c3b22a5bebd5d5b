import { expect, test } from 'vitest';
import { buildDeletionListing } from '../../../src/domain/deletion-listing.ts';

const files = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ key: `vod/film/${at}.mp4`, sizeBytes: 10 }));

const list = (count: number) =>
  buildDeletionListing('/out/vod/film', files(count), (key) => key.slice('vod/film/'.length));

test('the listing says how many files go, how large they are and what they are called', () => {
  expect(list(2)).toEqual([
    { message: 'Deleting 2 files, 20 bytes, below /out/vod/film', isVisible: true },
    { message: 'Deleting: 0.mp4, 1.mp4', isVisible: true },
  ]);
});

test('each of many names is listed once, the first thousand where everybody sees them', () => {
  const rows = list(2350);
  expect(rows).toHaveLength(1 + 24);
  expect(rows.filter((row) => row.isVisible)).toHaveLength(1 + 10);
  const names = rows.slice(1).flatMap((row) => row.message.slice('Deleting: '.length).split(', '));
  expect(new Set(names).size).toBe(2350);
});
