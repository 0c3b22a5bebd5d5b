import { XMLParser } from 'fast-xml-parser';
import HLS from 'hls-parser';
import { expect, test } from 'vitest';
import { buildManifests } from '../../../src/media/asset/manifests.ts';
import type { PackagedTrack } from '../../../src/media/packager/packaged-track.ts';

const track = (overrides: Partial<PackagedTrack>): PackagedTrack => ({
  kind: 'video',
  id: 'video_1',
  originalName: 'a.mp4',
  stagedName: 'source_1.mp4',
  streamIndex: 0,
  kindIndex: 0,
  codec: 'h264',
  language: 'und',
  containerLanguage: 'und',
  packets: 100,
  durationSeconds: 8,
  isDurationExact: true,
  isPlainMp4: true,
  fileName: 'video_1.mp4',
  sizeBytes: 1000,
  codecs: 'avc1.64001f',
  sar: '1:1',
  bandwidth: 2000,
  averageBandwidth: 1000,
  startSeconds: 0,
  packagedSeconds: 8,
  initEndByte: 700,
  indexStartByte: 700,
  indexEndByte: 750,
  segments: [
    { startByte: 750, sizeBytes: 100, durationSeconds: 4 },
    { startByte: 850, sizeBytes: 150, durationSeconds: 4.4 },
  ],
  width: 1280,
  height: 720,
  frameRate: '25/1',
  ...overrides,
});

const audio = (id: string, language: string): PackagedTrack => {
  const {
    width: _w,
    height: _h,
    frameRate: _f,
    ...rest
  } = track({
    kind: 'audio',
    id,
    fileName: `${id}.mp4`,
    language,
    codecs: 'mp4a.40.2',
    channels: 2,
    sampleRate: 48_000,
  });
  return rest;
};

const manifests = buildManifests({
  asset: 'Ära "51" & co',
  jobId: 9,
  tracks: [
    track({}),
    track({ id: 'video_2', fileName: 'video_2.mp4' }),
    audio('audio_3', 'en'),
    audio('audio_4', 'es'),
    audio('audio_5', 'es'),
  ],
  captions: [
    { fileName: 'text_1.vtt', originalName: 'a.srt', language: 'en', cues: 3, sizeBytes: 10 },
  ],
  durationSeconds: 8.4,
});

test('HLS reads back strictly: variants, both languages, subtitles, byte ranges', () => {
  HLS.setOptions({ strictMode: true });
  const main = HLS.parse(manifests.active.find((one) => one.name.endsWith('.m3u8'))?.text ?? '');
  if (!main.isMasterPlaylist) throw new Error('no multivariant playlist');
  expect(main.variants).toHaveLength(2);
  const [variant] = main.variants;
  expect(variant?.codecs).toBe('avc1.64001f,mp4a.40.2');
  expect(variant?.audio.map((one) => one.language)).toEqual(['en', 'es', 'es']);
  expect(new Set(variant?.audio.map((one) => one.name)).size).toBe(3);
  expect(variant?.subtitles.map((one) => one.language)).toEqual(['en']);
  const media = HLS.parse(manifests.playlists[0]?.text ?? '');
  if (media.isMasterPlaylist) throw new Error('no media playlist');
  expect(media.targetDuration).toBe(4);
  expect(media.segments.map((one) => one.byterange)).toEqual([
    { offset: 750, length: 100 },
    { offset: 850, length: 150 },
  ]);
  expect(media.segments[0]?.map?.byterange).toEqual({ offset: 0, length: 700 });
});

test('DASH is well-formed, names every track once and points at its index', () => {
  const xml = manifests.active.find((one) => one.name.endsWith('.mpd'))?.text ?? '';
  const parsed = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(xml);
  const sets = parsed.MPD.Period.AdaptationSet;
  expect(sets.map((set: { contentType: string }) => set.contentType)).toEqual([
    'video',
    'audio',
    'audio',
    'audio',
    'text',
  ]);
  expect(sets[0].Representation[0].SegmentBase).toMatchObject({
    indexRange: '700-749',
    Initialization: { range: '0-699' },
  });
  expect(decodeURIComponent(sets[1].Representation.BaseURL)).toBe('Ära "51" & co-9-audio-en.mp4');
  expect(xml.indexOf('<Label>')).toBeLessThan(xml.indexOf('value="subtitle"'));
});

test('every file is named for its job but the two active manifests, and no name stands twice', () => {
  const names = [
    ...manifests.trackFiles.map((one) => one.name),
    ...manifests.captionFiles.map((one) => one.name),
    ...manifests.playlists.map((one) => one.name),
  ];
  expect(names.every((name) => name.startsWith('Ära "51" & co-9-'))).toBe(true);
  expect(new Set(names).size).toBe(names.length);
  expect(manifests.active.map((one) => one.name)).toEqual([
    'Ära "51" & co.mpd',
    'Ära "51" & co.m3u8',
  ]);
});

test('an asset of audio only has its audio as variants', () => {
  const { active } = buildManifests({
    asset: 'a',
    jobId: 1,
    tracks: [audio('audio_1', 'en')],
    captions: [],
    durationSeconds: 8,
  });
  const main = HLS.parse(active[1]?.text ?? '');
  expect(main.isMasterPlaylist && main.variants[0]?.uri).toBe('a-1-audio-en.m3u8');
});

const setsOf = (tracks: readonly PackagedTrack[]) => {
  const { active } = buildManifests({
    asset: 'a',
    jobId: 1,
    tracks,
    captions: [],
    durationSeconds: 8,
  });
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' });
  return parser.parse(active[0]?.text ?? '').MPD.Period.AdaptationSet;
};

test('two tracks of one language have different labels in DASH', () => {
  const sets = setsOf([track({}), audio('audio_2', 'es'), audio('audio_3', 'es')]);
  expect(sets[1].Label).not.toBe(sets[2].Label);
});

test('DASH promises aligned segments only where they are', () => {
  const aligned = track({ id: 'video_2' });
  const other = track({
    id: 'video_2',
    segments: [
      { startByte: 750, sizeBytes: 100, durationSeconds: 5 },
      { startByte: 850, sizeBytes: 150, durationSeconds: 3.4 },
    ],
  });
  expect(setsOf([track({}), aligned]).subsegmentAlignment).toBe('true');
  expect(setsOf([track({}), other]).subsegmentAlignment).toBe('false');
});

test('tracks that start apart are tied together by dates in HLS and played to their end in DASH', () => {
  const late = { ...audio('audio_2', 'en'), startSeconds: 0.5 };
  const { playlists, active } = buildManifests({
    asset: 'a',
    jobId: 1,
    tracks: [track({}), late],
    captions: [
      { fileName: 'text_1.vtt', originalName: 'a.srt', language: 'en', cues: 3, sizeBytes: 10 },
    ],
    durationSeconds: 8,
  });
  const dates = playlists.map(({ text }) => {
    const media = HLS.parse(text);
    return media.isMasterPlaylist ? undefined : media.segments[0]?.programDateTime?.getTime();
  });
  expect(dates).toEqual([0, 500, 0]);
  expect(active[0]?.text).toContain('mediaPresentationDuration="PT8.500S"');
});

test('tracks that start together need no dates', () => {
  expect(manifests.playlists.some(({ text }) => text.includes('PROGRAM-DATE-TIME'))).toBe(false);
});
