import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { joinKey } from '../../../src/storage/paths.ts';
import { getJob } from '../../../src/store/jobs.ts';
import { undoJob } from '../../../src/store/undo.ts';
import { AssetScene, FIXED, FOLDER, MANIFESTS, UPLOADS, useTenant } from './asset-scene.ts';

/*
 * Assets that another system has published, and single files that a client has put beside ours: the first
 * publish over them is as safe as every later one.
 */

/** What a former system has left, the names of this engine among it. */
const FOREIGN = [...MANIFESTS, 'film 1.jpg', 'film.mp4', 'segment_1.ts', 'film 1.ism'];
const OURS_TOO = ['film 1.jpg', 'film 1.m3u8', 'film 1.mpd', 'film.mp4'];

const acme = useTenant();

describe.each(STORAGE_KINDS)('what this engine has not published, in %s', (kind) => {
  let assets: AssetScene;

  beforeEach(async () => {
    assets = await AssetScene.create(acme.db, acme.tenantId, kind);
  });

  afterEach(() => assets.remove());

  const fullPaths = (names: readonly string[]): readonly string[] =>
    names.map((name) => assets.storage.driver.fullPath(joinKey(FOLDER, name)));

  test('is told when it is replaced, and put back by an undo, byte by byte', async () => {
    await assets.putForeign(...FOREIGN);
    const before = await assets.contents();
    const task = await assets.startPublish();
    await assets.publishAttempt(task);
    await assets.jobs.end(task.jobId);
    await assets.expectPlayable();
    const [note = ''] = task.notes;
    expect(task.notes).toHaveLength(1);
    expect(note).toMatch(/^WARN Replaces what this engine has not published: /);
    expect(note.split(': ')[1]?.split(', ').sort()).toEqual(fullPaths(OURS_TOO));

    const undo = await assets.startUndo(task.jobId);
    const { message } = await assets.restoreAttempt(undo, task.jobId);
    expect(message).toBe(`what was there before job ${task.jobId} is on air again`);
    expect(await assets.contents()).toEqual(before);
    const result = (await getJob(acme.db, undo.jobId))?.result;
    expect(result?.message).toBe(fullPaths(MANIFESTS)[0]);
    expect([...(result?.files ?? [])].sort()).toEqual(fullPaths(OURS_TOO));
    await assets.sweepFormers();
    expect(await assets.contents()).toEqual(before);
  });

  test('is published over and put back as often as one likes', async () => {
    await assets.putForeign(...FOREIGN);
    const before = await assets.contents();
    for (const _ of [1, 2]) {
      const jobId = await assets.publish();
      await assets.restoreAttempt(await assets.startUndo(jobId), jobId);
      await assets.jobs.end(jobId);
      expect(await assets.contents()).toEqual(before);
    }
  });

  test('is as it was wherever the publish broke off for good', async () => {
    await assets.putForeign(...FOREIGN);
    const before = await assets.contents();
    const step = kind === 'local' ? 1 : 3;
    for (let nth = UPLOADS; nth < UPLOADS + OURS_TOO.length + FIXED; nth += step) {
      const task = await assets.startPublish();
      assets.failAt(nth, 'after');
      await expect(assets.publishAttempt(task)).rejects.toThrow('the wire was cut');
      assets.heal();
      await assets.jobs.end(task.jobId, true);
      expect([nth, await assets.contents()]).toEqual([nth, before]);
    }
  });

  test('is as it was after the sweep where a worker was killed between two files and its job never ran again', async () => {
    await assets.putForeign(...FOREIGN);
    const before = await assets.contents();
    const step = kind === 'local' ? 1 : 3;
    for (let nth = 1; nth < FIXED; nth += step) {
      await assets.publishKilled(UPLOADS + OURS_TOO.length + nth);
      expect([nth, await assets.contents()]).not.toEqual([nth, before]);
      await assets.sweepUploads();
      expect([nth, await assets.contents()]).toEqual([nth, before]);
    }
  });

  test('can be put back after a publish that broke off and was tried again', async () => {
    await assets.putForeign(...FOREIGN);
    const before = await assets.contents();
    const step = kind === 'local' ? 1 : 4;
    for (let nth = UPLOADS + 1; nth <= UPLOADS + OURS_TOO.length + FIXED; nth += step) {
      const task = await assets.startPublish();
      const isDead = nth % 2 === 0;
      assets.failAt(nth, 'before', isDead);
      await expect(assets.publishAttempt(task)).rejects.toThrow('the wire was cut');
      assets.heal();
      await assets.publishAttempt(await assets.jobs.retry(task));
      await assets.jobs.end(task.jobId);
      await assets.expectPlayable();
      const undo = await assets.startUndo(task.jobId);
      await assets.restoreAttempt(undo, task.jobId);
      expect([nth, await assets.contents()]).toEqual([nth, before]);
    }
  });

  test('nothing is left of the copies once the window is over', async () => {
    await assets.putForeign(...FOREIGN);
    const jobId = await assets.publish();
    expect(await assets.hiddenKeys()).toHaveLength(OURS_TOO.length);
    await assets.closeWindow();
    await assets.sweepFormers();
    expect(await assets.hiddenKeys()).toEqual([]);
    await assets.expectPlayable();
    expect(await assets.storage.allKeys()).toContain(joinKey(FOLDER, 'segment_1.ts'));
    expect((await undoJob(acme.db, acme.tenantId, jobId)).kind).toBe('nothing');
  });

  test('with a window of 0 the copies go with the switch', async () => {
    await assets.jobs.setWindow(0);
    await assets.putForeign(...FOREIGN);
    await assets.publish();
    expect(await assets.hiddenKeys()).toEqual([]);
    await assets.expectPlayable();
  });

  test('that was emptied away is not put back: what its manifests name is gone', async () => {
    await assets.putForeign(...FOREIGN);
    const jobId = await assets.publish({ emptyTarget: true });
    expect(await undoJob(acme.db, acme.tenantId, jobId)).toEqual({ kind: 'nothing' });
    const names = (await assets.storage.allKeys()).map((key) => key.slice(FOLDER.length + 1));
    expect(names.filter((name) => name.startsWith('.te-') || name === 'segment_1.ts')).toEqual([]);
    await assets.expectPlayable();
  });

  test('where only a poster was in the way, an undo takes our manifests off the air', async () => {
    await assets.putForeign('film 1.jpg');
    const before = await assets.contents();
    const jobId = await assets.publish();
    const undo = await assets.startUndo(jobId);
    await assets.restoreAttempt(undo, jobId);
    expect(await assets.contents()).toEqual(before);
    expect((await getJob(acme.db, undo.jobId))?.result?.files).toEqual(fullPaths(['film 1.jpg']));
    await assets.jobs.end(undo.jobId);
    expect(await undoJob(acme.db, acme.tenantId, undo.jobId)).toEqual({ kind: 'unpublished' });
  });

  test('a file that a client has put beside our own asset comes back with it', async () => {
    await assets.publish({ mp4Filename: null });
    await assets.putForeign('film.mp4');
    const before = await assets.contents();
    const task = await assets.startPublish();
    await assets.publishAttempt(task);
    await assets.jobs.end(task.jobId);
    expect(task.notes).toEqual([
      `WARN Replaces what this engine has not published: ${fullPaths(['film.mp4'])[0]}`,
    ]);
    await assets.restoreAttempt(await assets.startUndo(task.jobId), task.jobId);
    expect(await assets.contents()).toEqual(before);
    await assets.sweepFormers();
    expect(await assets.contents()).toEqual(before);
  });
});
