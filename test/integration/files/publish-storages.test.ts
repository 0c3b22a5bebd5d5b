import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPublish } from '../../../activities/files/publish/publish.ts';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import { openTestStorage, type TestStorage } from '../../helpers/storages.ts';
import { faultsOf, ManifestSampler } from './manifest-sampler.ts';
import { type Call, Scene, TestTask } from './scene.ts';

const MANIFESTS = ['film 1.m3u8', 'film 1.mpd'];

/** Tracks, captions, playlists; the MP4, metadata, thumbnail and manifests. */
const UPLOADS = 3 + 1 + 4 + 5;
const MOVES = 5;

describe.each(STORAGE_KINDS)('publishing to %s', (kind) => {
  let storage: TestStorage;
  let scene: Scene;

  beforeEach(async () => {
    storage = await openTestStorage(kind);
    scene = await Scene.create({ output: storage.driver });
  });

  afterEach(async () => {
    await scene.remove();
    await storage.remove();
  });

  const publishAttempt = (task: TestTask) =>
    createPublish(scene.deps)(task, scene.publishInput(task.jobId, { storage: kind }));

  const publishJob = async (jobId: number): Promise<void> => {
    await scene.stage(jobId);
    await publishAttempt(await scene.publication.claim(new TestTask(jobId)));
  };

  const played = () => ({ storage: storage.driver, folder: 'vod/film' });

  const expectPlayable = async (): Promise<void> => {
    for (const manifest of MANIFESTS) {
      expect(await storage.driver.stat(`vod/film/${manifest}`)).toBeDefined();
      expect(await faultsOf(played(), manifest)).toEqual([]);
    }
  };

  const manifest = async (): Promise<string> =>
    text(await storage.driver.read('vod/film/film 1.m3u8'));

  /** Every key with the version or time of what is under it. */
  const snapshot = async (): Promise<ReadonlyMap<string, unknown>> => {
    const keys = await storage.allKeys();
    const found = await Promise.all(keys.map((key) => storage.driver.stat(key)));
    return new Map(keys.map((key, at) => [key, found[at]]));
  };

  /** Makes the n-th upload or move from now on fail, before or after it was done. */
  const failAt = (
    nth: number,
    when: 'before' | 'after',
    beforeIt?: () => Promise<unknown>,
  ): void => {
    const counted: readonly Call[] = ['upload', 'move'];
    let count = 0;
    const hit = async (call: Call): Promise<void> => {
      if (!counted.includes(call)) return;
      count += 1;
      if (count !== nth) return;
      await beforeIt?.();
      throw new Error('the wire was cut');
    };
    scene.output.before = when === 'before' ? hit : async () => undefined;
    scene.output.after = when === 'after' ? hit : async () => undefined;
  };

  const heal = (): void => {
    scene.output.before = async () => undefined;
    scene.output.after = async () => undefined;
  };

  test('an asset is whole, nothing hidden is left, and the next one leaves nothing of it', async () => {
    await publishJob(12);
    await expectPlayable();
    const first = await storage.allKeys();
    expect(first).toHaveLength(UPLOADS);
    expect(first.filter((key) => key.includes('.te-'))).toEqual([]);
    expect(storage.driver.fullPath('vod/film/film 1.m3u8')).toBe(
      scene.publication.published[0]?.result.message,
    );
    await publishJob(13);
    await expectPlayable();
    const second = await storage.allKeys();
    expect(second).toHaveLength(UPLOADS);
    expect(second.filter((key) => key.includes('-12-'))).toEqual([]);
  });

  test('players are given the type of each file, and may keep those that never change', async () => {
    await publishJob(12);
    const told = await Promise.all(
      (await storage.allKeys()).map(async (key) => [
        key.slice('vod/film/'.length),
        Object.values((await storage.headers(key)) ?? {}),
      ]),
    );
    if (kind === 'local') return;
    const [kept, fixed] = ['public, max-age=31536000, immutable', 'no-cache'];
    const hls = 'application/vnd.apple.mpegurl';
    expect(Object.fromEntries(told)).toEqual({
      'film 1.m3u8': [hls, fixed],
      'film 1.mpd': ['application/dash+xml', fixed],
      'film 1.jpg': ['image/jpeg', fixed],
      'film 1_metadata.json': ['application/json', fixed],
      'film.mp4': ['video/mp4', fixed],
      'film 1-12-video-360p.mp4': ['video/mp4', kept],
      'film 1-12-video-360p.m3u8': [hls, kept],
      'film 1-12-audio-xa.mp4': ['video/mp4', kept],
      'film 1-12-audio-xa.m3u8': [hls, kept],
      'film 1-12-audio-xb.mp4': ['video/mp4', kept],
      'film 1-12-audio-xb.m3u8': [hls, kept],
      'film 1-12-text-en.vtt': ['text/vtt; charset=utf-8', kept],
      'film 1-12-text-en.m3u8': [hls, kept],
    });
  });

  test.each(['before', 'after'] as const)(
    'a failure %s any upload leaves the asset on air as it was',
    async (when) => {
      await publishJob(12);
      const before = await snapshot();
      await scene.stage(13);
      const sampler = new ManifestSampler(played(), MANIFESTS, 50);
      for (let nth = 1; nth <= UPLOADS; nth++) {
        failAt(nth, when);
        const task = await scene.publication.claim(new TestTask(13, nth));
        await expect(publishAttempt(task)).rejects.toThrow('the wire was cut');
        expect(await snapshot()).toEqual(before);
        expect(await storage.openUploads()).toBe(0);
      }
      heal();
      await publishAttempt(await scene.publication.claim(new TestTask(13, 100)));
      await sampler.stop();
      expect(sampler.violations).toEqual([]);
      expect(sampler.samples).toBeGreaterThan(3);
      await expectPlayable();
    },
  );

  test('a worker that dies at any file of the publish is repaired by the retry, and no player sees it', async () => {
    await publishJob(12);
    const sampler = new ManifestSampler(played(), MANIFESTS, 50);
    for (const when of ['before', 'after'] as const) {
      for (let nth = 1; nth <= UPLOADS + MOVES; nth++) {
        const jobId = 100 + nth + (when === 'after' ? 50 : 0);
        await scene.stage(jobId);
        const first = await scene.publication.claim(new TestTask(jobId, 1));
        // a dead worker takes nothing back: the task is another attempt's by then
        let next: Promise<TestTask> | undefined;
        failAt(nth, when, async () => {
          next = scene.publication.claim(new TestTask(jobId, 2));
          if (nth <= UPLOADS) await next;
        });
        await expect(publishAttempt(first)).rejects.toThrow('the wire was cut');
        heal();
        await publishAttempt((await next) ?? expect.fail('nothing was cut'));
        await expectPlayable();
        expect(await manifest()).toContain(`-${jobId}-video-`);
        const keys = await storage.allKeys();
        expect(keys).toHaveLength(UPLOADS);
      }
    }
    await sampler.stop();
    expect(sampler.violations).toEqual([]);
    expect(await storage.openUploads()).toBe(0);
  });

  test('a cancelled publish leaves nothing', async () => {
    await scene.stage(12);
    const task = await scene.publication.claim(new TestTask(12));
    scene.output.before = async (_call, _key, count) => {
      if (count === 6) task.controller.abort(new Error('cancelled'));
    };
    await expect(publishAttempt(task)).rejects.toThrow('cancelled');
    expect(await storage.allKeys()).toEqual([]);
    expect(scene.publication.published).toEqual([]);
  });

  test('an attempt that wakes up after a later one has published changes nothing', async () => {
    await scene.stage(12);
    const first = await scene.publication.claim(new TestTask(12, 1));
    const frozen = scene.watchOutput();
    const gate = Promise.withResolvers<void>();
    const isFrozen = Promise.withResolvers<void>();
    frozen.before = async (call, _key, count) => {
      if (call !== 'upload' || count <= 4) return;
      isFrozen.resolve();
      await gate.promise;
    };
    const storages: Storages = {
      open: async ({ side }) => (side === 'input' ? scene.input : frozen),
    };
    const outcome = createPublish({ ...scene.deps, storages })(
      first,
      scene.publishInput(12, { storage: kind }),
    ).catch((error: unknown) => error);
    await isFrozen.promise;
    await publishAttempt(await scene.publication.claim(new TestTask(12, 2)));
    gate.resolve();
    expect(await outcome).toMatchObject({ type: 'Superseded' });
    expect(scene.publication.published).toHaveLength(1);
    await expectPlayable();
  });

  test('a file that is lost between upload and switch fails the publish before any manifest changes', async () => {
    await publishJob(12);
    const before = await manifest();
    await scene.stage(13);
    scene.output.before = async (call, key) => {
      if (call === 'upload' && key.endsWith('-13-text-en.m3u8')) {
        await storage.driver.delete(['vod/film/film 1-13-video-360p.mp4']);
      }
    };
    await expect(publishAttempt(await scene.publication.claim(new TestTask(13)))).rejects.toThrow(
      /film 1-13-video-360p\.mp4 is gone/,
    );
    expect(await manifest()).toBe(before);
    await expectPlayable();
  });
});
