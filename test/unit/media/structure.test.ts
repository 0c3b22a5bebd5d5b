import { expect, test } from 'vitest';
import { childBoxes, findBox } from '../../../src/media/mp4/boxes.ts';
import { parseTracks } from '../../../src/media/mp4/movie.ts';
import { parseSidx } from '../../../src/media/mp4/sidx.ts';
import { describeStderr } from '../../../src/media/process/tool-error.ts';
import { declaredAviSize, declaredMatroskaSize } from '../../../src/media/source/declared-size.ts';

const u32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeInt32BE(value | 0, at * 4);
  return bytes;
};

const box = (type: string, ...content: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(content);
  return Buffer.concat([u32(body.length + 8), Buffer.from(type, 'latin1'), body]);
};

const trak = (edits: readonly (readonly [number, number])[], firstOffset: number): Buffer =>
  box(
    'trak',
    box(
      'edts',
      box('elst', u32(0, edits.length), ...edits.map(([length, at]) => u32(length, at, 0x10000))),
    ),
    box(
      'mdia',
      box('mdhd', u32(0, 0, 0, 1000, 9000, 0)),
      box('hdlr', u32(0, 0), Buffer.from('vide'), u32(0, 0, 0)),
      box('minf', box('stbl', box('ctts', u32(0, 1, 9, firstOffset)))),
    ),
  );

test('an edit list that only makes up for B-frames hides nothing', () => {
  expect(parseTracks(box('moov', trak([[8000, 80]], 80)))).toEqual([
    { kind: 'video', edits: 1, hiddenSeconds: 0 },
  ]);
});

test('a pause at the start is no piece; what lies before the first piece is hidden', () => {
  const moov = box(
    'moov',
    trak(
      [
        [500, -1],
        [8000, 1080],
      ],
      80,
    ),
  );
  expect(parseTracks(moov)).toEqual([{ kind: 'video', edits: 1, hiddenSeconds: 1 }]);
});

test('pieces of an edit list are counted', () => {
  const moov = box(
    'moov',
    trak(
      [
        [1000, 0],
        [1000, 5000],
      ],
      0,
    ),
  );
  expect(parseTracks(moov)[0]?.edits).toBe(2);
});

test('a box that overruns its parent ends the walk, a missing one is undefined', () => {
  const torn = box('moov', u32(1000), Buffer.from('trak'));
  expect(childBoxes(torn)).toEqual([]);
  expect(findBox(torn, 'trak', 'mdia')).toBeUndefined();
});

test('an index that lies about its number of entries throws, it does not read on', () => {
  const moov = box('moov', box('trak', box('edts', box('elst', u32(0, 1000, 1, 2, 3)))));
  expect(() => parseTracks(moov)).toThrow(RangeError);
});

test('a segment index gives bytes and seconds of every segment (ISO/IEC 14496-12 §8.16.3)', () => {
  const references = [u32(100, 4000, 0x9000_0000 | 0), u32(150, 4400, 0x9000_0000 | 0)];
  const sidx = box('sidx', u32(0, 1, 1000, 20, 6, 2), ...references);
  expect(parseSidx(sidx, 700)).toEqual({
    timescale: 1000,
    startSeconds: 0.02,
    segments: [
      { startByte: 706, sizeBytes: 100, durationSeconds: 4 },
      { startByte: 806, sizeBytes: 150, durationSeconds: 4.4 },
    ],
  });
});

test('an index of indexes is refused', () => {
  const sidx = box('sidx', u32(0, 1, 1000, 0, 0, 1), u32(0x8000_0064 | 0, 4000, 0));
  expect(() => parseSidx(sidx, 700)).toThrow(/another sidx/);
});

const EBML = Buffer.from('1a45dfa384aabbccdd18538067', 'hex');

test.each([
  ['0100000000001000', 21 + 0x1000],
  ['4400', 15 + 0x400],
  ['01ffffffffffffff', undefined],
  ['ff', undefined],
])('a Matroska segment of size %s ends at byte %s', (size, end) => {
  const head = Buffer.concat([EBML, Buffer.from(size, 'hex'), Buffer.alloc(16)]);
  expect(declaredMatroskaSize(head)).toBe(end);
});

test('an AVI says its size; one that was never finished does not', () => {
  const avi = (size: number): Buffer => {
    const head = Buffer.from('RIFF____AVI LIST');
    head.writeUInt32LE(size, 4);
    return head;
  };
  expect(declaredAviSize(avi(1000))).toBe(1008);
  expect(declaredAviSize(avi(0))).toBeUndefined();
  expect(declaredAviSize(Buffer.from('RIFF____WAVEfmt '))).toBeUndefined();
});

test('what a tool said is told without addresses, threads and folders', () => {
  const tail =
    "[mov @ 0x55d0] moov atom not found\nE1124 10:20:00.142801    6639 mp4_media_parser.cc:372] Error parsing '/srv/scratch/job-1/source_1.mp4'\n";
  expect(describeStderr(tail)).toBe("moov atom not found | Error parsing 'source_1.mp4'");
});
