import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { fileNameOf } from '../../../src/storage/paths.ts';
import { AssetScene, FIXED, UPLOADS, useTenant } from './asset-scene.ts';

/* A switch that broke off for good and was not turned back yet when the next job changes the folder. */

/** Calls before the switch moves its first file, where it keeps all that it overwrites. */
const BEFORE_SWITCH = UPLOADS + FIXED;

const acme = useTenant();

describe.each(STORAGE_KINDS)('a switch that broke off, in %s', (kind) => {
  let assets: AssetScene;

  beforeEach(async () => {
    assets = await AssetScene.create(acme.db, acme.tenantId, kind);
  });

  afterEach(() => assets.remove());

  test('is turned back by the next publish, whose undo brings back what was on air before both', async () => {
    await assets.publish();
    const before = await assets.contents();
    await assets.publishKilled(BEFORE_SWITCH + 5);
    const next = await assets.publish();
    const after = await assets.contents();
    await assets.sweepUploads();
    expect(await assets.contents()).toEqual(after);
    await assets.restoreAttempt(await assets.startUndo(next), next);
    expect(await assets.contents()).toEqual(before);
    await assets.sweepUploads();
    await assets.sweepFormers();
    expect(await assets.contents()).toEqual(before);
  });

  test.runIf(kind === 'local')(
    'is turned back where copying a single file takes longer than a try may',
    async () => {
      await assets.publish();
      const before = await assets.contents();
      await assets.publishKilled(BEFORE_SWITCH + 5);
      assets.scene.output.after = async (call) => {
        if (call === 'copy') await setTimeout(150);
      };
      const outcomes: string[] = [];
      while (outcomes.length < 3 * FIXED && outcomes.at(-1) !== 'done') {
        await assets.hastenUploads();
        outcomes.push(await assets.takeBackWithin(100));
      }
      expect(outcomes.at(-1)).toBe('done');
      expect(outcomes).toContain('failed');
      expect(await assets.contents()).toEqual(before);
    },
  );

  test('is never turned back over a later publication', async () => {
    await assets.publish();
    await assets.publishKilled(BEFORE_SWITCH + 5, { mp4Filename: 'other.mp4' });
    assets.scene.output.before = async (call, key) => {
      if (call === 'copy' && !fileNameOf(key).startsWith('.te-')) throw new Error('refused');
    };
    await assets.publish();
    assets.heal();
    const onAir = async () =>
      [...(await assets.contents())].filter(([key]) => !fileNameOf(key).startsWith('.te-'));
    const after = await onAir();
    await assets.closeWindow();
    await assets.sweepFormers();
    await assets.hastenUploads();
    await assets.sweepUploads();
    await assets.expectPlayable();
    expect(after).toEqual(expect.arrayContaining(await onAir()));
    expect(await assets.hiddenKeys()).toEqual([]);
  });

  test('is turned back by an undo, which puts back what was there before both', async () => {
    await assets.putForeign('film 1.m3u8', 'film.mp4');
    const before = await assets.contents();
    const first = await assets.publish();
    await assets.publishKilled(BEFORE_SWITCH + 3, { mp4Filename: null });
    await assets.restoreAttempt(await assets.startUndo(first), first);
    await assets.sweepUploads();
    await assets.sweepFormers();
    expect(await assets.contents()).toEqual(before);
  });

  test('is never turned back over what an undo has put back', async () => {
    await assets.putForeign('film 1.m3u8', 'film.mp4');
    const before = await assets.contents();
    const first = await assets.publish();
    await assets.publishKilled(BEFORE_SWITCH + 5);
    const task = await assets.startUndo(first);
    assets.failAt(1, 'before');
    await assets.restoreAttempt(task, first);
    assets.heal();
    await assets.sweepFormers();
    await assets.hastenUploads();
    await assets.sweepUploads();
    expect(await assets.contents()).toEqual(before);
  });

  test('an attempt that was frozen and wakes up after its job and the next have published has nothing put back', async () => {
    await assets.publish();
    const task = await assets.startPublish();
    const gate = Promise.withResolvers<void>();
    const isFrozen = Promise.withResolvers<void>();
    assets.scene.output.before = async () => {
      isFrozen.resolve();
      await gate.promise;
    };
    const outcome = assets.publishAttempt(task).catch((error: unknown) => error);
    await isFrozen.promise;
    assets.heal();
    await assets.publishAttempt(await assets.jobs.retry(task));
    await assets.jobs.end(task.jobId);
    // what was replaced by the frozen one's job is still kept
    await assets.jobs.setWindow(0);
    await assets.publish();
    const names = async () =>
      [...(await assets.contents())].filter(([key]) => !fileNameOf(key).startsWith('.te-'));
    const onAir = await names();
    gate.resolve();
    expect(await outcome).toMatchObject({ type: 'Superseded' });
    await assets.sweepUploads();
    expect(await names()).toEqual(onAir);
    await assets.sweepFormers();
    expect(await assets.hiddenKeys()).toEqual([]);
  });
});
