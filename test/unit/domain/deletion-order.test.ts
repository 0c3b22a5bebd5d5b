import { expect, test } from 'vitest';
import { orderDeletions } from '../../../src/domain/deletion-order.ts';

test('what players open goes first, then the playlists that it names, then the media', () => {
  expect(
    orderDeletions([
      'vod/film/film-7-video-1.mp4',
      'vod/film/film-7-video-1.m3u8',
      'vod/film/film.m3u8',
      'vod/film/film.jpg',
      'vod/film/film.mpd',
      'vod/film/old/custom.ism',
    ]),
  ).toEqual([
    ['vod/film/film.m3u8', 'vod/film/film.mpd', 'vod/film/old/custom.ism'],
    ['vod/film/film-7-video-1.m3u8'],
    ['vod/film/film.jpg', 'vod/film/film-7-video-1.mp4'],
  ]);
});

test('what lies in a folder goes before the entry of the folder itself', () => {
  expect(orderDeletions(['a/', 'a/b/', 'a/b/c.mp4'])).toEqual([['a/b/c.mp4', 'a/b/', 'a/']]);
});

test('nothing is no group', () => {
  expect(orderDeletions([])).toEqual([]);
});
