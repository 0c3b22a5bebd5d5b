import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { fileNameOf, joinKey } from '../../../src/storage/paths.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addTenant } from '../../helpers/tenant.ts';
import { AssetScene, FIXED, FOLDER, UPLOADS } from './asset-scene.ts';

/* A switch that broke off for good and was not turned back yet when the next job changes the folder. */

/** Calls before the switch moves its first file, where it keeps all that it overwrites. */
const BEFORE_SWITCH = UPLOADS + FIXED;

let database: TestDatabase;
let tenantId: number;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await addTenant(database.db);
});

afterAll(() => database.drop());

describe.each(STORAGE_KINDS)('a switch that broke off, in %s', (kind) => {
  let assets: AssetScene;

  beforeEach(async () => {
    assets = await AssetScene.create(database.db, tenantId, kind);
  });

  afterEach(() => assets.remove());

  const hiddenKeys = async (): Promise<readonly string[]> =>
    (await assets.storage.allKeys()).filter((key) => key.includes('/.te-'));

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
    expect(await hiddenKeys()).toEqual([]);
  });

  async function putForeign(): Promise<void> {
    const path = join(assets.scene.base, 'foreign');
    await writeFile(path, randomBytes(400));
    for (const name of ['film 1.m3u8', 'film.mp4']) {
      await assets.storage.driver.upload(path, joinKey(FOLDER, name));
    }
  }

  test('is turned back by an undo, which puts back what was there before both', async () => {
    await putForeign();
    const before = await assets.contents();
    const first = await assets.publish();
    await assets.publishKilled(BEFORE_SWITCH + 3, { mp4Filename: null });
    await assets.restoreAttempt(await assets.startUndo(first), first);
    await assets.sweepUploads();
    await assets.sweepFormers();
    expect(await assets.contents()).toEqual(before);
  });

  test('is never turned back over what an undo has put back', async () => {
    await putForeign();
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
    expect(await hiddenKeys()).toEqual([]);
  });
});
