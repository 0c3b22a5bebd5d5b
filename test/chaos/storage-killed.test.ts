import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { STORAGE_KINDS, type StorageKind } from '../../src/domain/storage-kind.ts';
import { jobWorkflowId, SCHEDULES } from '../../src/temporal/names.ts';
import { CallbackSink } from '../helpers/callback-sink.ts';
import { makeClip } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';
import { faultsOf, ManifestSampler } from '../integration/files/manifest-sampler.ts';
import { type KillableStorage, openKillableStorage } from './killable-storage.ts';

const SECRETS_KEY = randomBytes(32).toString('base64');
const MANIFESTS = ['film.m3u8', 'film.mpd'];

/**
 * Writes of a publish, counted from its first, at which the worker dies: in the uploads, in the switch.
 * Every write of all storages is a kill's in test/integration/files, without processes.
 */
const KILL_AT: Readonly<Record<StorageKind, readonly number[]>> = {
  S3: [5, 13],
  azure_blob: [12],
  local: [2],
};

/**
 * How jobs end that do not run again; each kill takes the ten seconds of a lost heartbeat. What they leave in
 * each storage is tested without processes, in test/integration/files/sweep-uploads.test.ts.
 */
const ENDS: Readonly<Record<StorageKind, readonly ('given up' | 'terminated')[]>> = {
  S3: ['given up', 'terminated'],
  azure_blob: ['given up'],
  local: [],
};

/** The call that deletes at which the worker dies: those of the manifests are before it, most files after. */
const KILL_AT_DELETE: Readonly<Record<StorageKind, number>> = { S3: 2, azure_blob: 0, local: 0 };

/** A write in the middle of the uploads. */
const MIDDLE = 5;

describe.each(STORAGE_KINDS)('a worker killed at its work on %s', (kind) => {
  let engine: TestEngine;
  let client: Client;
  let storage: KillableStorage;
  let sampler: ManifestSampler;
  let sink: CallbackSink;

  beforeAll(async () => {
    engine = await TestEngine.create({ isStarted: false, variables: { SECRETS_KEY } });
    client = new Client({
      connection: await Connection.connect({ address: inject('services').temporalAddress }),
      namespace: engine.namespace,
    });
    await engine.startApi();
    sink = await new CallbackSink().start();
    storage = await openKillableStorage(engine, kind, SECRETS_KEY);
    await engine.startWorker();
    // what is replaced goes at once: the tests count what is there
    await engine.set('undo_window', 0);
    await makeClip(join(await engine.sourceFolder('clip'), 'clip.mp4'), 60);
    const first = await engine.untilEnded(await submit());
    expect(first).toMatchObject({ failed: false });
    sampler = new ManifestSampler(played(), MANIFESTS, 50);
  });

  afterAll(async () => {
    await sampler?.stop();
    await engine?.stop();
    await storage?.close();
    await sink?.close();
    await client?.connection.close();
  });

  const played = () => ({ storage: storage.driver, folder: 'vod/film' });

  const submit = (): Promise<number> =>
    engine.submit({
      content_id: 'film',
      source_folder: 'clip',
      source_storage: 'local',
      output_folder: 'vod/film',
      destination_storage: kind,
      generate_mp4: true,
    });

  const expectPlayable = async (): Promise<void> => {
    for (const manifest of MANIFESTS) expect(await faultsOf(played(), manifest)).toEqual([]);
    expect(await storage.driver.stat('vod/film/film.m3u8')).toBeDefined();
    expect(sampler.violations).toEqual([]);
  };

  /** Every key with the version or time of what is under it. */
  const snapshot = async (): Promise<ReadonlyMap<string, unknown>> => {
    const keys = await storage.allKeys();
    const found = await Promise.all(keys.map((key) => storage.driver.stat(key)));
    return new Map(keys.map((key, at) => [key, found[at]]));
  };

  /** A job whose worker has died in the middle of its uploads: some of its files are there. */
  const startAndKill = async (): Promise<number> => {
    const before = await storage.allKeys();
    const jobId = await submit();
    await storage.killAt(MIDDLE);
    expect((await storage.allKeys()).length).toBeGreaterThan(before.length);
    return jobId;
  };

  test('at any write of a publish leaves the asset on air playable, and the retry ends it', async () => {
    for (const nth of KILL_AT[kind]) {
      const jobId = await submit();
      await storage.killAt(nth);
      await engine.startWorker();
      expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
      const names = (await storage.allKeys()).map((key) => key.slice('vod/film/'.length));
      expect(names.filter((name) => name.startsWith('.te-'))).toEqual([]);
      expect(names.filter((name) => /-\d+-/.test(name) && !name.includes(`-${jobId}-`))).toEqual(
        [],
      );
      await expectPlayable();
    }
    expect(sampler.samples).toBeGreaterThan(50);
    expect(await storage.openUploads()).toBe(0);
  });

  const giveUp = async (jobId: number): Promise<void> => {
    const body = JSON.stringify({ queue_state: 'broken' });
    const changed = await engine.request(`/jobs/${jobId}`, { method: 'PATCH', body });
    expect(changed.status).toBe(200);
  };

  const terminate = async (jobId: number): Promise<void> => {
    await client.workflow.getHandle(jobWorkflowId(jobId)).terminate('by the test');
  };

  test.each(ENDS[kind])(
    'leaves nothing of a job that is %s meanwhile, and the asset on air as it was',
    async (end) => {
      const before = await snapshot();
      const jobId = await startAndKill();
      await (end === 'given up' ? giveUp(jobId) : terminate(jobId));
      await engine.startWorker();
      if (end === 'terminated') await client.schedule.getHandle(SCHEDULES.reconcileJobs).trigger();
      await engine.untilEnded(jobId);
      await until(
        async () => (await storage.allKeys()).length === before.size || undefined,
        10,
        'the files of the dead job to go',
      );
      expect(await snapshot()).toEqual(before);
      expect(await storage.openUploads()).toBe(0);
      await expectPlayable();
    },
  );

  test.runIf(KILL_AT_DELETE[kind] > 0)(
    'in the middle of a voddelete loses nothing of what it tells: the retry deletes the rest and names all',
    async () => {
      await sampler.stop();
      const clip = join(await engine.sourceFolder('clip'), 'clip.mp4');
      await storage.driver.upload(clip, 'vod/film2/clip.mp4');
      const asset = (await storage.allKeys()).filter((key) => key.startsWith('vod/film/'));
      const rest_endpoints = [sink.url()];
      const parameters = { folder: 'vod/film', source_storage: kind, rest_endpoints };
      const jobId = await engine.submit(parameters, { workflow: 'voddelete' });
      await storage.killAtDelete?.(KILL_AT_DELETE[kind]);
      const left = (await storage.allKeys()).filter((key) => key.startsWith('vod/film/'));
      expect(left.length).toBeGreaterThan(0);
      expect(left.length).toBeLessThan(asset.length);
      expect(left.filter((key) => MANIFESTS.some((name) => key.endsWith(`/${name}`)))).toEqual([]);
      await engine.startWorker();
      expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
      expect(await storage.allKeys()).toEqual(['vod/film2/clip.mp4']);
      await until(async () => sink.hasEnd(jobId) || undefined, 20, 'the job end');
      const { files } = sink.delivered(jobId).at(-1) as { readonly files: readonly string[] };
      expect([...files].sort()).toEqual(asset.map((key) => storage.driver.fullPath(key)).sort());
    },
  );
});
