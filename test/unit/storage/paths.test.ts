import { posix } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WorkError } from '../../../src/domain/failure.ts';
import { HOSTILE, HOSTILE_PATHS } from '../../helpers/hostile-paths.ts';
import { assetName, joinKey, parseFileName, parseFolder } from '../../../src/storage/paths.ts';

test(`none of ${HOSTILE_PATHS.length} hostile folders leads out of the root`, () => {
  expect(HOSTILE_PATHS.length).toBeGreaterThan(400);
  for (const path of HOSTILE_PATHS) {
    let key: string;
    try {
      key = parseFolder(path, 'output_folder');
    } catch (error) {
      expect(error).toBeInstanceOf(WorkError);
      expect((error as WorkError).message).toMatch(/^output_folder /);
      continue;
    }
    const full = posix.join('/root/tenant', key);
    expect([path, full.startsWith('/root/tenant/')]).toEqual([path, true]);
    expect(posix.normalize(key)).toBe(key);
  }
});

test.each(HOSTILE)('%j itself is refused as a folder', (path) => {
  expect(() => parseFolder(path, 'source_folder')).toThrow(/^source_folder /);
});

test.each([
  '100% real',
  '50%cool',
  'a…b',
  'A1½',
  'v1.2.3',
  '.well-known',
  'fi/ﬁ',
  '映画/第一話',
  '🎬 cut',
])('%j is a name like any other', (path) => {
  expect(parseFolder(path, 'f')).toBe(path);
});

test('a folder keeps its spelling, in Unicode NFC and without a slash at its end', () => {
  expect(parseFolder('a b/Größe/x', 'f')).toBe('a b/Größe/x');
  expect(parseFolder('movies/', 'f')).toBe('movies');
  expect(parseFolder('e\u0301', 'f')).toBe('\u00e9');
});

test('whatever text is given, the key has no empty, dot or dot-dot part', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      let key: string;
      try {
        key = parseFolder(text, 'f');
      } catch {
        return;
      }
      expect(key.split('/').some((part) => ['', '.', '..'].includes(part))).toBe(false);
    }),
    { numRuns: 3000 },
  );
});

test('a file name is one part', () => {
  expect(parseFileName('movie.mp4', 'mp4_filename')).toBe('movie.mp4');
  for (const name of ['a/b.mp4', '../x.mp4', 'x\\y', '']) {
    expect(() => parseFileName(name, 'mp4_filename')).toThrow(/^mp4_filename /);
  }
});

test('a content id must be usable as a file name', () => {
  expect(assetName('Ära 51')).toBe('Ära 51');
  for (const id of ['a/b', '.hidden', 'x'.repeat(200), '..']) {
    expect(() => assetName(id)).toThrow(/^content_id /);
  }
});

test('keys are joined by one slash', () => {
  expect(joinKey('a/b', 'c')).toBe('a/b/c');
  expect(joinKey('', 'c')).toBe('c');
});

test('a key that is longer than a storage takes is refused', () => {
  const folder = 'd/'.repeat(500).slice(0, -1);
  expect(joinKey(folder, 'x'.repeat(24))).toHaveLength(1024);
  expect(() => joinKey(folder, 'x'.repeat(25))).toThrow(/1024 bytes/);
});
