import { expect, test } from 'vitest';
import { selectMp4Tracks } from '../../../activities/media/generate-mp4.ts';
import { buildInput } from '../../../src/media/ffmpeg/input.ts';
import { createProgressParser } from '../../../src/media/ffmpeg/progress.ts';
import { buildThumbnailArgs } from '../../../src/media/ffmpeg/thumbnail.ts';
import { buildPackagerArgs } from '../../../src/media/packager/command.ts';
import { parsePackagerMpd } from '../../../src/media/packager/mpd.ts';
import { formatCommand } from '../../../src/media/process/command-line.ts';
import { findSources } from '../../../src/media/source/find-sources.ts';
import { canonicalLanguage, languageOfName } from '../../../src/media/source/language.ts';
import { selectSourceFiles } from '../../../src/media/source/select.ts';
import { type ProbedSource, selectTracks } from '../../../src/media/source/tracks.ts';

const source = (originalName: string, streams: readonly object[]): ProbedSource =>
  ({
    originalName,
    stagedName: originalName,
    probed: {
      container: 'mov',
      durationSeconds: 10,
      complaints: '',
      streams: streams.map((one, index) => ({
        index,
        startSeconds: 0,
        isPicture: false,
        packets: 10,
        ...one,
      })),
    },
  }) as unknown as ProbedSource;

const H264 = { kind: 'video', codec: 'h264', height: 720, bitRate: 1000 };
const AAC = { kind: 'audio', codec: 'aac' };

test('files of the known extensions are sources, whatever their case; hidden ones are not', () => {
  const names = ['b.MP4', 'a.srt', 'notes.txt', '._b.mp4', 'c.m4a', 'mp4'];
  expect(selectSourceFiles(names).map((one) => [one.name, one.role])).toEqual([
    ['a.srt', 'captions'],
    ['b.MP4', 'media'],
    ['c.m4a', 'media'],
  ]);
});

test('a folder without a source is told with what it holds', () => {
  const find = (names: readonly string[]) => () =>
    findSources({ names, published: new Set(), asset: 'film', fullPath: '/in/film' });
  expect(find([])).toThrow(/^No source found in \/in\/film: it holds no files, or does not exist;/);
  expect(find(['a.srt', 'film.mpd'])).toThrow(
    /^No source found in \/in\/film: it holds a\.srt, film\.mpd; a source is .* extensions mp4, m4v,/,
  );
  expect(find('abcdefg'.split(''))).toThrow(/it holds a, b, c, d, e and 2 more;/);
});

test.each([
  ['movie_es.m4a', 'es'],
  ['movie_eng.m4a', 'en'],
  ['movie.pt-BR.srt', 'pt-BR'],
  ['movie_final.m4a', undefined],
  ['movie.m4a', undefined],
])('the language in %s is %s', (name, language) => {
  expect(languageOfName(name)).toBe(language);
});

test('language codes are made canonical', () => {
  expect(canonicalLanguage('eng')).toBe('en');
  expect(canonicalLanguage('PT_br')).toBe('pt-BR');
  expect(canonicalLanguage('und')).toBeUndefined();
  expect(canonicalLanguage('"><x')).toBeUndefined();
});

test("a track's language comes from file_properties, then the name of an audio file, then the container", () => {
  const sources = [
    source('a.mp4', [H264, { ...AAC, language: 'eng' }]),
    source('b_es.m4a', [{ ...AAC, language: 'eng' }]),
    source('c_es.m4a', [AAC]),
  ];
  const tracks = selectTracks(sources, {
    allAudioTracks: true,
    fileProperties: { 'c_es.m4a': { language: 'fr' } },
  });
  expect(tracks.map((one) => one.language)).toEqual(['und', 'en', 'es', 'fr']);
  expect(new Set(tracks.map((one) => one.id)).size).toBe(4);
});

test('all_audio_tracks false keeps the best audio of each language', () => {
  const sources = [
    source('a.mp4', [
      H264,
      { ...AAC, language: 'eng', bitRate: 64 },
      { ...AAC, language: 'eng', bitRate: 128 },
      { ...AAC, language: 'fra', bitRate: 32 },
    ]),
  ];
  const tracks = selectTracks(sources, { allAudioTracks: false, fileProperties: {} });
  expect(tracks.filter((one) => one.kind === 'audio').map((one) => one.streamIndex)).toEqual([
    2, 3,
  ]);
});

test('an MP4 has the best video and audio, a mezzanine all video tracks', () => {
  const tracks = selectTracks([source('a.mp4', [{ ...H264, height: 360 }, H264, AAC, AAC])], {
    allAudioTracks: true,
    fileProperties: {},
  });
  expect(selectMp4Tracks(tracks, false).map((one) => one.streamIndex)).toEqual([1, 2]);
  expect(selectMp4Tracks(tracks, true).map((one) => one.streamIndex)).toEqual([0, 1, 2]);
});

test('every input is a local file of a known container', () => {
  expect(buildInput('/x/source_1.mp4').join(' ')).toMatch(
    /-protocol_whitelist file -format_whitelist \S*mov\S* -i file:\/x\/source_1\.mp4$/,
  );
});

test('a thumbnail is taken half a frame early, since ffmpeg gives the next frame', () => {
  const args = buildThumbnailArgs({
    source: 's',
    streamIndex: 0,
    timeSeconds: 7.37,
    frameRate: 25,
    target: 't',
  });
  expect(args[args.indexOf('-ss') + 1]).toBe('7.340000');
});

test('the packager never gets a name that its descriptors would misread', () => {
  expect(() =>
    buildPackagerArgs(
      [{ kind: 'video', input: '/x/a,output=b', output: '/x/o.mp4' }],
      '/x/m',
      '/x',
    ),
  ).toThrow(RangeError);
});

test('a packager manifest with a document type is refused unread', () => {
  expect(() => parsePackagerMpd('<!DOCTYPE x [<!ENTITY a "b">]><MPD/>')).toThrow(/document type/);
});

test('progress lines are gathered into one report a block', () => {
  const reports: unknown[] = [];
  const parse = createProgressParser((progress) => reports.push(progress));
  for (const line of [
    'frame=10',
    'out_time_us=400000',
    'progress=continue',
    'frame=25',
    'out_time_us=1000000',
    'progress=end',
  ])
    parse(line);
  expect(reports).toEqual([
    { frames: 10, outTimeSeconds: 0.4 },
    { frames: 25, outTimeSeconds: 1 },
  ]);
});

test('a logged command can be pasted into a shell', () => {
  expect(formatCommand('ffmpeg', ['-i', "it's here", 'a=b'])).toBe("ffmpeg -i 'it'\\''s here' a=b");
});

test('two films in one folder are no renditions of one asset', () => {
  const film = (name: string, durationSeconds: number) =>
    source(name, [{ ...H264, durationSeconds }]);
  const select = (...films: readonly ProbedSource[]) =>
    selectTracks(films, { allAudioTracks: true, fileProperties: {} });
  expect(select(film('a_720.mp4', 10), film('a_360.mp4', 10.04))).toHaveLength(2);
  expect(() => select(film('a.mp4', 10), film('b.mp4', 20))).toThrow(
    /a\.mp4 is 10\.000 s long and b\.mp4 20\.000 s/,
  );
});

test('a last frame is looked for over a stretch before its time, each replacing the one before', () => {
  const args = buildThumbnailArgs({
    source: 's',
    streamIndex: 0,
    timeSeconds: 100,
    frameRate: 25,
    isLast: true,
    target: 't',
  });
  expect(args[args.indexOf('-ss') + 1]).toBe('69.980000');
  expect(args).not.toContain('-frames:v');
});

test('a file of a thousand tracks is refused', () => {
  const many = source(
    'a.mp4',
    Array.from({ length: 1000 }, () => AAC),
  );
  expect(() => selectTracks([many], { allAudioTracks: true, fileProperties: {} })).toThrow(
    /hold 1000 tracks; an asset may have 64/,
  );
});
