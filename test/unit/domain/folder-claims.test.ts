import { describe, expect, test } from 'vitest';
import {
  describeClash,
  findClash,
  type FolderClaims,
  HeldFolders,
  mergeClaims,
  NO_CLAIMS,
} from '../../../src/domain/folder-claims.ts';

const claims = (given: Partial<FolderClaims>): FolderClaims => ({ ...NO_CLAIMS, ...given });
const writing = (...writesTo: string[]) => claims({ writesTo });
const reading = (...readsFrom: string[]) => claims({ readsFrom });
const clearing = (...writesTo: string[]) => claims({ writesTo, clears: true });

describe('two jobs', () => {
  test.each<[string, FolderClaims, FolderClaims, ReturnType<typeof findClash>]>([
    [
      'that write one folder clash',
      writing('local:/o/movie'),
      writing('local:/o/movie'),
      { kind: 'writes', location: 'local:/o/movie' },
    ],
    [
      'that write folders of which one is in the other do not',
      writing('o'),
      writing('o/a'),
      undefined,
    ],
    [
      'that write folders of which one begins like the other do not',
      writing('o1'),
      writing('o10'),
      undefined,
    ],
    ['of which one reads where the other writes do not', reading('o'), writing('o'), undefined],
    ['that read one folder do not', reading('o'), reading('o'), undefined],
    [
      'of which the holder clears above what the other writes clash',
      clearing('o'),
      writing('o/a/b'),
      { kind: 'clears', location: 'o' },
    ],
    [
      'of which the holder clears what the other reads clash',
      clearing('o'),
      reading('o'),
      { kind: 'clears', location: 'o' },
    ],
    [
      'of which the holder works below what the other clears clash',
      reading('o/a'),
      clearing('o'),
      { kind: 'uses', location: 'o' },
    ],
    [
      'of which one clears what begins alike do not',
      clearing('o/movie1'),
      writing('o/movie10'),
      undefined,
    ],
    [
      'of which one clears below what the other writes do not',
      clearing('o/a'),
      writing('o'),
      undefined,
    ],
    [
      'that clear one folder clash',
      clearing('o'),
      clearing('o'),
      { kind: 'writes', location: 'o' },
    ],
    [
      'that clear folders of which one is in the other clash',
      clearing('o/a'),
      clearing('o'),
      { kind: 'uses', location: 'o' },
    ],
    ['without claims do not', NO_CLAIMS, clearing('o'), undefined],
  ])('%s', (_name, holder, other, clash) => {
    expect(findClash(holder, other)).toEqual(clash);
    expect(findClash(other, holder) === undefined).toBe(clash === undefined);
  });
});

test('of several jobs that hold folders the one that clashes is named', () => {
  const held = new HeldFolders();
  held.add(1, writing('o/a'));
  held.add(2, clearing('o/b'));
  expect(held.find(writing('o/b/c'))).toEqual({ jobId: 2, kind: 'clears', location: 'o/b' });
  expect(held.find(writing('o/a'))).toMatchObject({ jobId: 1 });
  expect(held.find(writing('o/c'))).toBeUndefined();
});

test('what several claim as one clashes with what clashes with one of them', () => {
  const all = [writing('o/a'), claims({ writesTo: ['o/b'], readsFrom: ['i/b'] })];
  const merged = mergeClaims(all);
  for (const other of [writing('o/a'), clearing('i'), writing('o/c'), clearing('o/c')]) {
    const isClash = all.some((one) => findClash(one, other) !== undefined);
    expect(findClash(merged, other) !== undefined).toBe(isClash);
  }
});

test('a clash is told with its folder', () => {
  expect(describeClash({ kind: 'writes', location: 'local:/o' })).toBe(
    'writes the same folder: local:/o',
  );
  expect(describeClash({ kind: 'clears', location: 'local:/o' })).toBe(
    'deletes the folder: local:/o',
  );
});
