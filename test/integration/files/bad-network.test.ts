import { randomBytes, randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFetchSource } from '../../../activities/files/fetch/fetch-source.ts';
import { createPublish } from '../../../activities/files/publish/publish.ts';
import { STAGE_FILES } from '../../../activities/media/documents.ts';
import { stageFolder } from '../../../activities/scratch.ts';
import { type Fault, FaultProxy, type ProxiedRequest } from '../../helpers/fault-proxy.ts';
import { between, createRandom } from '../../helpers/faults.ts';
import { startToxiproxy, type Toxic, type Toxiproxy } from '../../helpers/toxiproxy.ts';
import { openWire, REMOTE_KINDS, storeUrl, type Wire } from '../../helpers/wires.ts';
import { faultsOf, ManifestSampler } from './manifest-sampler.ts';
import { Scene, TestTask } from './scene.ts';

const MB = 1024 * 1024;
const MANIFESTS = ['film 1.m3u8', 'film 1.mpd'];

/** Tracks, captions, playlists; the MP4, metadata, thumbnail and manifests. */
const FILES = 3 + 1 + 4 + 5;

/** Chosen anew in each run; the names of tests tell it. `FAULT_SEED` sets it. */
const SEED = Number(process.env['FAULT_SEED'] ?? randomInt(1_000_000));

/** How often a task is tried: `retry_limit` 3. */
const ATTEMPTS = 4;

interface BadNetwork {
  readonly name: string;
  readonly toxic: Toxic;
  readonly streams?: readonly ('upstream' | 'downstream')[];
  /** It gets well after so long; undefined where the work is done in spite of it. */
  readonly healsAfterMs?: number;
}

/** What a service says that is asked too often. */
const SLOW_DOWN = {
  S3: { kind: 'instead', status: 503, body: '<Error><Code>SlowDown</Code></Error>' },
  azure_blob: { kind: 'instead', status: 503, body: '<Error><Code>ServerBusy</Code></Error>' },
} as const satisfies Readonly<Record<(typeof REMOTE_KINDS)[number], Fault>>;

const ERROR_IN_200 = {
  kind: 'instead',
  status: 200,
  body: '<?xml version="1.0"?><Error><Code>InternalError</Code></Error>',
} as const;

const cutAt = between(createRandom(SEED), 1, 2 * MB);

const BAD_NETWORKS: readonly BadNetwork[] = [
  {
    name: 'a latency of 2 s',
    toxic: { type: 'latency', attributes: { latency: 2000 } },
    healsAfterMs: 3500,
  },
  { name: '50 kB a second', toxic: { type: 'bandwidth', attributes: { rate: 50 } } },
  {
    name: 'connections that hang',
    toxic: { type: 'timeout', attributes: { timeout: 500 } },
    healsAfterMs: 1000,
  },
  {
    name: 'connections that are reset',
    toxic: { type: 'reset_peer', attributes: { timeout: 50 } },
    healsAfterMs: 1000,
  },
  {
    name: `answers cut at byte ${cutAt} (FAULT_SEED=${SEED})`,
    toxic: { type: 'limit_data', attributes: { bytes: cutAt } },
    healsAfterMs: 1000,
  },
  {
    name: `requests cut at byte ${cutAt} (FAULT_SEED=${SEED})`,
    toxic: { type: 'limit_data', attributes: { bytes: cutAt } },
    streams: ['upstream'],
    healsAfterMs: 1000,
  },
];

describe.each(REMOTE_KINDS)('%s behind a bad network', (kind) => {
  let toxiproxy: Toxiproxy;
  /** Behind toxiproxy: sees what has come through, and breaks HTTP. */
  let http: FaultProxy;
  let wire: Wire;
  let scene: Scene;

  beforeAll(async () => {
    http = await new FaultProxy(storeUrl(kind)).start();
    toxiproxy = await startToxiproxy(http.url);
  });

  afterAll(async () => {
    await toxiproxy.close();
    await http.close();
  });

  beforeEach(async () => {
    wire = await openWire(kind, toxiproxy.url);
    scene = await Scene.create({ input: wire.driver, output: wire.driver });
  });

  afterEach(async () => {
    http.fault = () => undefined;
    await toxiproxy.heal();
    await scene.remove();
  });

  /** Runs a task as often as a job would, while the network is bad. */
  const runTask = async (
    network: BadNetwork | undefined,
    run: (attempt: number) => Promise<unknown>,
    attempts = ATTEMPTS,
  ) => {
    for (const stream of network?.streams ?? ['downstream']) {
      if (network !== undefined) await toxiproxy.spoil(network.toxic, stream);
    }
    const healing =
      network?.healsAfterMs === undefined
        ? undefined
        : setTimeout(() => void toxiproxy.heal(), network.healsAfterMs);
    http.requests.length = 0;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          await run(attempt);
          break;
        } catch (error) {
          if (attempt === attempts) throw error;
        }
      }
    } finally {
      clearTimeout(healing);
    }
    await toxiproxy.heal();
    return retriesOf(http.requests);
  };

  const put = async (key: string, content: Buffer): Promise<void> => {
    const path = join(scene.base, 'up');
    await writeFile(path, content);
    await wire.straight.upload(path, key);
  };

  const fetchFilm = async (network: BadNetwork | undefined, sizeBytes: number) => {
    const content = randomBytes(sizeBytes);
    await put('film/a.mp4', content);
    await put('film/b.m4a', content.subarray(0, 30_000));
    const retries = await runTask(network, (attempt) =>
      createFetchSource(scene.deps)(new TestTask(7, attempt), {
        jobId: 7,
        tenant: 'acme',
        storage: kind,
        folder: 'film',
        asset: 'film',
        retries: 0,
      }),
    );
    const staged = (name: string) => readFile(join(stageFolder(scene.workRoot, 7, 'source'), name));
    expect((await staged('source_1.mp4')).equals(content)).toBe(true);
    expect((await staged('source_2.m4a')).equals(content.subarray(0, 30_000))).toBe(true);
    return retries;
  };

  const stageJob = async (jobId: number, mp4Bytes: number): Promise<void> => {
    await scene.stage(jobId);
    const path = join(stageFolder(scene.workRoot, jobId, 'mp4'), STAGE_FILES.mp4);
    await writeFile(path, randomBytes(mp4Bytes));
  };

  const publish = async (jobId: number, attempt: number): Promise<void> => {
    const task = await scene.publication.claim(new TestTask(jobId, attempt));
    await createPublish(scene.deps)(task, scene.publishInput(jobId, { storage: kind }));
  };

  const played = () => ({ storage: wire.straight, folder: 'vod/film' });

  const manifest = async () => text(await wire.straight.read('vod/film/film 1.m3u8'));

  const expectPlayable = async (jobId: number): Promise<void> => {
    for (const name of MANIFESTS) expect(await faultsOf(played(), name)).toEqual([]);
    expect(await manifest()).toContain(`-${jobId}-video-`);
  };

  /** Publishes over the asset of another job, watched by a player. */
  const publishOver = async (
    network: BadNetwork | undefined,
    mp4Bytes: number,
    attempts = ATTEMPTS,
  ) => {
    await stageJob(12, 5000);
    await publish(12, 1);
    await stageJob(13, mp4Bytes);
    const sampler = new ManifestSampler(played(), MANIFESTS, 50);
    try {
      return await runTask(network, (attempt) => publish(13, attempt), attempts);
    } finally {
      await sampler.stop();
      expect(sampler.violations).toEqual([]);
      expect(sampler.samples).toBeGreaterThan(1);
    }
  };

  const expectOnlyJob = async (jobId: number, mp4Bytes: number): Promise<void> => {
    await expectPlayable(jobId);
    const listed = await wire.straight.list('vod/film');
    expect(listed).toHaveLength(FILES);
    expect(listed.find((one) => one.key.endsWith('film.mp4'))?.sizeBytes).toBe(mp4Bytes);
    expect(await wire.openUploads()).toBe(0);
  };

  test.for(BAD_NETWORKS.filter((one) => one.streams === undefined))(
    'sources are fetched whole over $name',
    async (network, { annotate }) => {
      const isSlow = network.healsAfterMs !== 1000;
      const retries = await fetchFilm(network, isSlow ? 60_000 : 9 * MB);
      await annotate(`retries: ${retries}`);
    },
  );

  test.for(BAD_NETWORKS)(
    'an asset is published whole over $name, and no player sees it',
    async (network, { annotate }) => {
      const mp4Bytes = network.healsAfterMs === 1000 ? 17 * MB : 20_000;
      const retries = await publishOver(network, mp4Bytes);
      await expectOnlyJob(13, mp4Bytes);
      await annotate(`retries: ${retries}`);
    },
  );

  test(`bursts of "slow down" are waited out, both ways (FAULT_SEED=${SEED})`, async ({
    annotate,
  }) => {
    const random = createRandom(SEED);
    http.fault = ({ number }) => (number <= 25 && random() < 0.3 ? SLOW_DOWN[kind] : undefined);
    const fetching = await fetchFilm(undefined, 9 * MB);
    const publishing = await publishOver(undefined, 17 * MB);
    await expectOnlyJob(13, 17 * MB);
    await annotate(`retries: ${fetching}; ${publishing}`);
  });

  test('a publish whose uploads fail for good leaves the asset on air, and nothing open', async () => {
    http.fault = ({ method, url }) =>
      method === 'PUT' && /partNumber=2|comp=block&/.test(url) ? { kind: 'reset' } : undefined;
    await expect(publishOver(undefined, 17 * MB, 1)).rejects.toMatchObject({
      type: 'StorageFailed',
    });
    http.fault = () => undefined;
    await expectPlayable(12);
    const names = (await wire.straight.list('vod/film')).map((one) => one.key);
    expect(names).toHaveLength(FILES);
    expect(names.filter((name) => name.includes('-13-'))).toEqual([]);
    expect(await wire.openUploads()).toBe(0);
  });

  test.runIf(kind === 'S3').each([
    ['whose answer is lost', { kind: 'lost' }],
    ['that answers 200 with an error', ERROR_IN_200],
  ] as const)(
    'an upload’s last call %s is made again, and the asset is whole',
    async (_, fault) => {
      let ends = 0;
      http.fault = ({ method, url }) => {
        if (method !== 'POST' || !url.includes('uploadId=')) return undefined;
        ends += 1;
        return ends === 1 ? fault : undefined;
      };
      await publishOver(undefined, 17 * MB);
      await expectOnlyJob(13, 17 * MB);
      expect(ends).toBeGreaterThan(1);
    },
  );
});

/** How often one part of one object was moved again: the sum, and the most of one object. */
function retriesOf(requests: readonly ProxiedRequest[]): string {
  const moves = requests.filter(({ method, headers }) =>
    method === 'GET' ? (headers.range ?? headers['x-ms-range']) !== undefined : method === 'PUT',
  );
  const byObject = Map.groupBy(moves, ({ url }) => url.split('?')[0]);
  const retries = [...byObject.values()].map(
    (made) => made.length - new Set(made.map((one) => one.url.replace(/&timeout=.*/, ''))).size,
  );
  return `${retries.reduce((sum, one) => sum + one, 0)} of ${moves.length} requests, ${Math.max(0, ...retries)} of one object at most`;
}
