import { expect, test } from 'vitest';
import { parseProbe } from '../../../src/media/ffmpeg/probe.ts';

const lengthOf = (stream: object): number | undefined =>
  parseProbe(
    JSON.stringify({
      format: { format_name: 'matroska,webm', duration: '18.5' },
      streams: [{ index: 0, codec_type: 'audio', codec_name: 'aac', ...stream }],
    }),
    '',
  ).streams[0]?.durationSeconds;

const tags = { DURATION: '00:00:18.500000000' };

test('a Matroska track tagged by ffmpeg with the time it ends at is as long as from its start to there', () => {
  expect(lengthOf({ start_time: '10.5', tags })).toBe(8);
});

test('a Matroska track tagged with statistics is as long as they say, wherever it starts', () => {
  const statistics = { ...tags, _STATISTICS_WRITING_APP: 'mkvmerge v90.0' };
  expect(lengthOf({ start_time: '10.5', tags: statistics })).toBe(18.5);
});

test('a length that the container itself gives counts before any tag', () => {
  expect(lengthOf({ start_time: '10.5', duration: '7.25', tags })).toBe(7.25);
});

test('a track without a length has none', () => {
  expect(lengthOf({ start_time: '0', tags: { DURATION: 'soon' } })).toBeUndefined();
});
