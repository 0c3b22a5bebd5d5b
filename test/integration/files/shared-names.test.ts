import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { joinKey } from '../../../src/storage/paths.ts';
import { AssetScene, FOLDER, useTenant } from './asset-scene.ts';

/* Two assets in one folder whose MP4s have one name. */

const acme = useTenant();

describe.each(STORAGE_KINDS)('an MP4 name that two assets use, in %s', (kind) => {
  let assets: AssetScene;

  beforeEach(async () => {
    assets = await AssetScene.create(acme.db, acme.tenantId, kind);
  });

  afterEach(() => assets.remove());

  const mp4 = async () => (await assets.contents()).get(joinKey(FOLDER, 'film.mp4'));

  test.each([0, 3600])(
    'stays the other’s when one of them has none any more, with a window of %i',
    async (seconds) => {
      await assets.jobs.setWindow(seconds);
      await assets.publish();
      await assets.publish({ asset: 'film 2' });
      const before = await mp4();
      expect(before).toBeDefined();
      await assets.publish({ mp4Filename: null });
      expect(await mp4()).toBe(before);
      await assets.closeWindow();
      await assets.sweepFormers();
      expect(await mp4()).toBe(before);
    },
  );

  test('is put back by an undo where the other has not published since', async () => {
    await assets.publish({ asset: 'film 2' });
    const before = await assets.contents();
    const jobId = await assets.publish();
    expect(await mp4()).not.toBe(before.get(joinKey(FOLDER, 'film.mp4')));
    await assets.restoreAttempt(await assets.startUndo(jobId), jobId);
    expect(await mp4()).toBe(before.get(joinKey(FOLDER, 'film.mp4')));
    await assets.jobs.end(jobId);
    await assets.sweepFormers();
    expect(await assets.contents()).toEqual(before);
    // it is the other's again
    await assets.publish({ asset: 'film 2', mp4Filename: null });
    expect(await mp4()).toBeUndefined();
  });

  test('stays the other’s, published since, when an undo puts its asset back', async () => {
    await assets.publish();
    const jobId = await assets.publish();
    await assets.publish({ asset: 'film 2' });
    const before = await mp4();
    await assets.restoreAttempt(await assets.startUndo(jobId), jobId);
    await assets.jobs.end(jobId);
    await assets.expectPlayable();
    expect(await mp4()).toBe(before);
    await assets.sweepFormers();
    expect(await mp4()).toBe(before);
    await assets.publish({ mp4Filename: null });
    expect(await mp4()).toBe(before);
  });
});
