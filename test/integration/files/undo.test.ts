import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { locationOf } from '../../../src/storage/location.ts';
import { joinKey } from '../../../src/storage/paths.ts';
import { getJob } from '../../../src/store/jobs.ts';
import { forgetFiles } from '../../../src/store/publications.ts';
import { undoJob } from '../../../src/store/undo.ts';
import { AssetScene, FIXED, FOLDER, MANIFESTS, UPLOADS, useTenant } from './asset-scene.ts';
import { ManifestSampler } from './manifest-sampler.ts';
import { RunningJobs } from './running-jobs.ts';

const acme = useTenant();

const runningJobs = (): RunningJobs => new RunningJobs(acme.db, acme.tenantId);

describe.each(STORAGE_KINDS)('undo in %s', (kind) => {
  let assets: AssetScene;

  beforeEach(async () => {
    assets = await AssetScene.create(acme.db, acme.tenantId, kind);
  });

  afterEach(() => assets.remove());

  test('puts every file of the former publication back, byte by byte, and deletes those of the undone', async () => {
    const first = await assets.publish();
    const before = await assets.contents();
    const firstResult = (await getJob(acme.db, first))?.result;
    const second = await assets.publish({ mp4Filename: 'other.mp4' });
    await assets.expectPlayable();
    const sampler = new ManifestSampler(assets.played(), MANIFESTS, 5);
    const task = await assets.startUndo(second);
    const { message } = await assets.restoreAttempt(task, second);
    await sampler.stop();
    expect(message).toBe(`the publication of job ${first} is on air again`);
    expect(await assets.contents()).toEqual(before);
    expect((await getJob(acme.db, task.jobId))?.result).toEqual(firstResult);
    expect(sampler.violations).toEqual([]);
    await assets.expectPlayable();
    await assets.sweepFormers();
    expect(await assets.contents()).toEqual(before);
  });

  test('the former files stay until the window is over, and go then', async () => {
    const first = await assets.publish();
    const second = await assets.publish();
    const names = async () =>
      (await assets.storage.allKeys()).map((key) => key.slice(FOLDER.length + 1));
    await assets.sweepFormers();
    expect((await names()).some((name) => name.includes(`-${first}-`))).toBe(true);
    await assets.closeWindow();
    expect(await undoJob(acme.db, acme.tenantId, second)).toEqual({ kind: 'nothing' });
    await assets.sweepFormers();
    const left = await names();
    expect(left.filter((name) => name.includes(`-${first}-`) || name.startsWith('.te-'))).toEqual(
      [],
    );
    await assets.expectPlayable();
    expect(await undoJob(acme.db, acme.tenantId, second)).toEqual({ kind: 'nothing' });
    expect(await undoJob(acme.db, acme.tenantId, first)).toEqual({ kind: 'unpublished' });
  });

  test('what a client puts under a name that the new asset has no more is not taken for the former one', async () => {
    await assets.publish({ mp4Filename: 'old.mp4' });
    const before = await assets.contents();
    const second = await assets.publish({ mp4Filename: 'new.mp4' });
    const own = joinKey(FOLDER, 'old.mp4');
    expect(await assets.storage.allKeys()).not.toContain(own);
    await assets.storage.driver.copy(joinKey(FOLDER, 'film 1.jpg'), own);
    await assets.closeWindow();
    await assets.sweepFormers();
    expect(await assets.storage.allKeys()).toContain(own);
    await assets.expectPlayable();
    await assets.storage.driver.delete([own]);
    const third = await assets.publish({ mp4Filename: 'old.mp4' });
    await assets.restoreAttempt(await assets.startUndo(third), third);
    expect(
      (await assets.storage.allKeys()).filter((key) => key.endsWith('.mp4') && !key.includes('-')),
    ).toEqual([joinKey(FOLDER, 'new.mp4')]);
    expect(before.size).toBeGreaterThan(0);
    expect(second).toBeLessThan(third);
  });

  test('a third publication ends the time of the first', async () => {
    const first = await assets.publish();
    const second = await assets.publish();
    const afterSecond = await assets.contents();
    const third = await assets.publish();
    await assets.sweepFormers();
    const keys = await assets.storage.allKeys();
    expect(keys.filter((key) => key.includes(`-${first}-`))).toEqual([]);
    expect(await undoJob(acme.db, acme.tenantId, second)).toEqual({
      kind: 'replaced',
      jobId: third,
    });
    await assets.restoreAttempt(await assets.startUndo(third), third);
    const restored = await assets.contents();
    for (const name of MANIFESTS) {
      const key = joinKey(FOLDER, name);
      expect(restored.get(key)).toBe(afterSecond.get(key));
    }
    await assets.expectPlayable();
  });

  test('with a window of 0 the former files go with the switch', async () => {
    await assets.jobs.setWindow(0);
    const first = await assets.publish();
    const second = await assets.publish();
    const keys = await assets.storage.allKeys();
    expect(keys.filter((key) => key.includes(`-${first}-`) || key.includes('.te-'))).toEqual([]);
    expect(await undoJob(acme.db, acme.tenantId, second)).toEqual({ kind: 'nothing' });
  });

  test('what a job has replaced and deletes itself is swept once it has ended', async () => {
    await assets.jobs.setWindow(0);
    const first = await assets.publish();
    const task = await assets.startPublish();
    assets.scene.output.before = async (call) => {
      if (call === 'delete') throw new Error('the wire was cut');
    };
    await assets.publishAttempt(task);
    assets.heal();
    const left = await assets.contents();
    await assets.sweepFormers();
    expect(await assets.contents()).toEqual(left);
    await assets.jobs.end(task.jobId);
    await assets.sweepFormers();
    const keys = await assets.storage.allKeys();
    expect(keys.filter((key) => key.includes(`-${first}-`) || key.includes('/.te-'))).toEqual([]);
    await assets.expectPlayable();
  });

  test('wherever a publish breaks off, the former can be put back after the retry as it was', async () => {
    await assets.publish();
    const before = await assets.contents();
    const step = kind === 'local' ? 1 : 4;
    for (let nth = UPLOADS + 1; nth <= UPLOADS + 2 * FIXED; nth += step) {
      const task = await assets.startPublish();
      const { jobId } = task;
      assets.failAt(nth, nth % 2 === 0 ? 'before' : 'after');
      await expect(assets.publishAttempt(task)).rejects.toThrow('the wire was cut');
      assets.heal();
      await assets.publishAttempt(await assets.jobs.retry(task));
      await assets.jobs.end(jobId);
      await assets.expectPlayable();
      await assets.restoreAttempt(await assets.startUndo(jobId), jobId);
      expect([nth, await assets.contents()]).toEqual([nth, before]);
    }
  });

  test('a publish that breaks off between two files of its switch leaves the former asset byte by byte', async () => {
    await assets.publish();
    const before = await assets.contents();
    for (const nth of [1, 2, 3]) {
      const task = await assets.startPublish();
      const { jobId } = task;
      assets.failAt(UPLOADS + FIXED + nth, 'after');
      await expect(assets.publishAttempt(task)).rejects.toThrow('the wire was cut');
      assets.heal();
      await assets.jobs.end(jobId, true);
      expect([nth, await assets.contents()]).toEqual([nth, before]);
    }
  });

  test('a job that is given up before its switch publishes nothing', async () => {
    await assets.publish();
    const before = await assets.contents();
    const task = await assets.startPublish();
    const { jobId } = task;
    let uploads = 0;
    assets.scene.output.after = async (call) => {
      if (call !== 'upload' || ++uploads < UPLOADS) return;
      await sql`UPDATE jobs SET queue_state = 4 WHERE id = ${jobId}`.execute(acme.db);
    };
    const published = assets.publishAttempt(task);
    await expect(published).rejects.toMatchObject({ type: 'Superseded' });
    assets.heal();
    expect(uploads).toBe(UPLOADS);
    expect(await assets.contents()).toEqual(before);
  });

  test('a job that is given up in the middle of its switch is turned back', async () => {
    await assets.publish();
    const before = await assets.contents();
    for (const nth of [1, FIXED - 1, FIXED]) {
      const task = await assets.startPublish();
      let moves = 0;
      assets.scene.output.after = async (call) => {
        if (call !== 'move' || ++moves !== nth) return;
        await sql`UPDATE jobs SET queue_state = 4 WHERE id = ${task.jobId}`.execute(acme.db);
      };
      await expect(assets.publishAttempt(task)).rejects.toMatchObject({ type: 'Superseded' });
      assets.heal();
      await assets.jobs.end(task.jobId, true);
      expect([nth, moves, await assets.contents()]).toEqual([nth, nth, before]);
    }
  });

  test('wherever an undo breaks off, players see an asset that plays, and the retry ends it', async () => {
    await assets.publish();
    const before = await assets.contents();
    const step = kind === 'local' ? 1 : 2;
    for (let nth = 1; nth <= FIXED + 1; nth += step) {
      const jobId = await assets.publish();
      const task = await assets.startUndo(jobId);
      assets.failAt(nth, nth % 2 === 0 ? 'before' : 'after');
      await assets.restoreAttempt(task, jobId).catch(() => undefined);
      await assets.expectPlayable();
      assets.heal();
      await assets.restoreAttempt(await assets.jobs.retry(task), jobId);
      await assets.jobs.end(task.jobId);
      await assets.sweepFormers();
      expect([nth, await assets.contents()]).toEqual([nth, before]);
    }
  });

  test('an undo that was given up between two files leaves what the manifests on air name', async () => {
    await assets.publish();
    const second = await assets.publish();
    const task = await assets.startUndo(second);
    assets.failAt(FIXED - 1, 'after');
    await expect(assets.restoreAttempt(task, second)).rejects.toThrow('the wire was cut');
    assets.heal();
    await assets.jobs.end(task.jobId, true);
    await assets.closeWindow();
    await assets.sweepFormers();
    await assets.expectPlayable();
  });

  test('a former publication a file of which is gone is not put back', async () => {
    const first = await assets.publish();
    const second = await assets.publish();
    const gone =
      (await assets.storage.allKeys()).find((key) => key.includes(`-${first}-video`)) ?? '';
    await assets.storage.driver.delete([gone]);
    const before = await assets.contents();
    const undo = assets.restoreAttempt(await assets.startUndo(second), second);
    await expect(undo).rejects.toMatchObject({ type: 'InvalidInput' });
    await expect(undo).rejects.toThrow(
      `${assets.storage.driver.fullPath(gone)} of the former publication`,
    );
    expect(await assets.contents()).toEqual(before);
  });

  test('where the storage was set up anew and leads elsewhere, nothing is put back or deleted there', async () => {
    await assets.publish();
    const jobId = await assets.publish();
    const before = await assets.contents();
    const { db } = acme;
    await sql`UPDATE publications SET location = 'where it was'`.execute(db);
    await sql`UPDATE former_publications SET location = 'where it was'`.execute(db);
    const task = await assets.startUndo(jobId);
    await expect(assets.restoreAttempt(task, jobId)).rejects.toMatchObject({
      type: 'StorageFailed',
      message: expect.stringMatching(/leads to .* now; .* where it was/),
    });
    expect(await assets.contents()).toEqual(before);
    await assets.jobs.end(task.jobId, true);
    await assets.closeWindow();
    await assets.sweepFormers();
    expect(await assets.contents()).toEqual(before);
  });

  test('a manifest that the former asset had no more does not stay on air after an undo', async () => {
    await assets.publish();
    const [, dash = ''] = MANIFESTS;
    const key = joinKey(FOLDER, dash);
    const { driver } = assets.storage;
    await driver.delete([key]);
    await forgetFiles(acme.db, 'acme', locationOf(driver, FOLDER), [key]);
    const before = await assets.contents();
    const second = await assets.publish();
    await assets.restoreAttempt(await assets.startUndo(second), second);
    expect(await assets.contents()).toEqual(before);
  });

  test('an attempt that lost its task puts nothing back', async () => {
    await assets.publish();
    const second = await assets.publish();
    const before = await assets.contents();
    const task = await assets.startUndo(second);
    await assets.jobs.retry(task);
    await expect(assets.restoreAttempt(task, second)).rejects.toMatchObject({ type: 'Superseded' });
    expect(await assets.contents()).toEqual(before);
  });

  test('empty_target deletes all else in the folder after the switch, but for nested folders and what undo needs', async () => {
    const first = await assets.publish();
    const before = await assets.contents();
    const strangers = ['old.m3u8', 'old.mp4', 'notes.txt'].map((name) => joinKey(FOLDER, name));
    const nested = joinKey(FOLDER, 'other/asset.m3u8');
    const [some = ''] = before.keys();
    for (const key of [...strangers, nested]) await assets.storage.driver.copy(some, key);
    // another asset of the folder, published twice: its copies for an undo go as well
    await assets.publish({ asset: 'other', mp4Filename: 'other.mp4' });
    await assets.publish({ asset: 'other', mp4Filename: 'other.mp4' });
    const second = await assets.publish({ emptyTarget: true });
    await assets.sweepFormers();
    const keys = await assets.storage.allKeys();
    for (const key of strangers) expect(keys).not.toContain(key);
    expect(keys).toContain(nested);
    await assets.expectPlayable();
    await assets.restoreAttempt(await assets.startUndo(second), second);
    await assets.storage.driver.delete([nested]);
    expect(await assets.contents()).toEqual(before);
    expect(first).toBeLessThan(second);
  });
});

describe('who may undo what', () => {
  test('of two requests at once one makes the job', async () => {
    await sql`TRUNCATE former_publications, publications`.execute(acme.db);
    const jobId = await runningJobs().insert();
    await runningJobs().end(jobId);
    await sql`
      INSERT INTO publications (tenant_id, location, asset, job_id, files)
      VALUES (${acme.tenantId}, 'local:/x', 'x', ${jobId}, '{}')`.execute(acme.db);
    await sql`
      INSERT INTO former_publications (tenant_id, storage, folder, location, asset, job_id, replaced_by,
                                       files, kept_until, due_at)
      VALUES (${acme.tenantId}, 'local', 'x', 'local:/x', 'x', 1, ${jobId}, '{}', now() + interval '1 hour',
              now() + interval '1 hour')`.execute(acme.db);
    const outcomes = await Promise.all([1, 2, 3].map(() => undoJob(acme.db, acme.tenantId, jobId)));
    const made = outcomes.flatMap((one) => (one.kind === 'accepted' ? [one.jobId] : []));
    expect(made).toHaveLength(1);
    expect(outcomes.filter((one) => one.kind === 'undone')).toEqual([
      { kind: 'undone', jobId: made[0], isOpen: true },
      { kind: 'undone', jobId: made[0], isOpen: true },
    ]);
    await runningJobs().end(made[0] ?? 0, true);
    expect((await undoJob(acme.db, acme.tenantId, jobId)).kind).toBe('accepted');
  });

  test('only a job of the tenant that has ended and published', async () => {
    const jobId = await runningJobs().insert();
    expect(await undoJob(acme.db, acme.tenantId, jobId)).toMatchObject({ kind: 'open' });
    await runningJobs().end(jobId);
    expect(await undoJob(acme.db, acme.tenantId, jobId)).toEqual({ kind: 'unpublished' });
    expect(await undoJob(acme.db, acme.tenantId + 1, jobId)).toEqual({ kind: 'unknown' });
  });
});
