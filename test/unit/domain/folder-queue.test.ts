import { expect, test } from 'vitest';
import { findClash, type FolderClaims, NO_CLAIMS } from '../../../src/domain/folder-claims.ts';
import { describeWait, FolderQueue } from '../../../src/domain/folder-queue.ts';
import { createRandom } from '../../helpers/faults.ts';
import { QueueModel } from './queue-model.ts';

const writing = (folder: string): FolderClaims => ({ ...NO_CLAIMS, writesTo: [folder] });
const clearing = (folder: string): FolderClaims => ({ ...writing(folder), clears: true });
const holder = (id: number, claims: FolderClaims, isAtWork = true) => ({ id, claims, isAtWork });

test('a job waits for a holder first, then for the first one ahead of it that it clashes with', () => {
  const folders = new FolderQueue([holder(1, writing('o/a'))]);
  folders.queue({ id: 2, claims: clearing('o') });
  folders.queue({ id: 3, claims: writing('o/b') });
  expect(folders.findWait(writing('o/a'))).toEqual({
    jobId: 1,
    isAhead: false,
    clash: { kind: 'writes', location: 'o/a' },
  });
  expect(folders.findWait(writing('o/c'))).toEqual({
    jobId: 2,
    isAhead: true,
    clash: { kind: 'clears', location: 'o' },
  });
  expect(folders.findWait(writing('o/b'))).toMatchObject({ jobId: 3 });
  expect(folders.findWait(writing('p'))).toBeUndefined();
});

test('nobody waits for one ahead that waits for a job which is not at work', () => {
  const folders = new FolderQueue([holder(1, writing('o/a'), false), holder(2, writing('o/b'))]);
  folders.queue({ id: 3, claims: clearing('o') });
  expect(folders.findWait(writing('o/c'))).toBeUndefined();
  expect(folders.findWait(writing('o/a'))).toMatchObject({ jobId: 1 });
});

test('what is told of a wait says whether the other one has the folder', () => {
  const clash = { kind: 'clears', location: 'S3:media/vod' } as const;
  expect(describeWait({ jobId: 1, isAhead: false, clash })).toBe(
    'deletes the folder: S3:media/vod',
  );
  expect(describeWait({ jobId: 1, isAhead: true, clash })).toBe(
    'is ahead in the queue and deletes the folder: S3:media/vod',
  );
});

test('of 200 queues none runs two jobs that clash, lets one be overtaken or leaves one behind', () => {
  const seed = Date.now() % 1_000_000;
  for (let at = 0; at < 200; at++) {
    const model = new QueueModel(createRandom(seed + at));
    for (let step = 0; step < 60; step++) model.step();
    model.settle();
    expect({ seed: seed + at, faults: model.faults, open: model.open }).toEqual({
      seed: seed + at,
      faults: [],
      open: 0,
    });
  }
});

test('a deletion has its turn although jobs below its folder never cease to come', () => {
  const model = new QueueModel(createRandom(1), { slots: 3 });
  const [first] = model.submit(writing('o/1'));
  model.admit();
  const [deletion = 0] = model.submit(clearing('o'));
  for (let n = 2; n < 12; n++) model.submit(writing(`o/${n}`));
  model.admit();
  expect(model.running()).toEqual([first]);
  model.end(first ?? 0);
  expect(model.running()).toEqual([deletion]);
  model.end(deletion);
  expect(model.running()).toHaveLength(3);
  expect(findClash(clearing('o'), writing('o/2'))).toBeDefined();
});
