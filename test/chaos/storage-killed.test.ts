import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { runCli } from '../../cli/run.ts';
import { readConfig } from '../../src/config/config.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import { makeClip } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';
import { FaultProxy } from '../helpers/fault-proxy.ts';
import { newBucket } from '../helpers/storages.ts';
import { faultsOf, ManifestSampler } from '../integration/files/manifest-sampler.ts';

const SECRETS_KEY = randomBytes(32).toString('base64');

/** Writes of the publish, counted from its first, at which the worker dies: uploads, copies, the last. */
const KILL_AT = [1, 5, 10, 13, 15];

let engine: TestEngine;
let proxy: FaultProxy;

beforeEach(async () => {
  engine = await TestEngine.create({ isStarted: false, variables: { SECRETS_KEY } });
  await engine.startApi();
});

afterEach(async () => {
  await engine?.stop();
  await proxy?.close();
});

test('a worker killed at any write of a publish to S3 leaves the asset on air playable, and the retry ends it', async () => {
  const { s3 } = inject('stores');
  proxy = await new FaultProxy(s3.endpoint).start();
  const { settings, client } = await newBucket({ root: '' });
  const said: string[] = [];
  await runCli(
    ['storage', 'acme', 'S3', '--bucket', settings.bucket, '--endpoint', proxy.url].concat([
      '--path-style',
      '--access-key-id',
      s3.accessKeyId,
    ]),
    {
      out: () => undefined,
      err: (line) => said.push(line),
      readSecret: () => Promise.resolve(s3.secretAccessKey),
    },
    readConfig({ DATABASE_URL: engine.database.url, SECRETS_KEY }),
  );
  expect(said).toEqual([]);
  await engine.startWorker();
  await makeClip(join(await engine.sourceFolder('clip'), 'clip.mp4'), 60);
  const parameters = {
    content_id: 'film',
    source_folder: 'clip',
    source_storage: 'local',
    output_folder: 'vod/film',
    destination_storage: 'S3',
    generate_mp4: true,
  };
  expect(await engine.untilEnded(await engine.submit(parameters))).toMatchObject({ failed: false });

  // slow enough that a kill hits the write it is meant for
  proxy.delayMs = 100;
  const played = { storage: createS3Storage(client, settings), folder: 'vod/film' };
  const sampler = new ManifestSampler(played, ['film.m3u8', 'film.mpd'], 50);
  for (const nth of KILL_AT) {
    let writes = 0;
    proxy.fault = ({ method }) => {
      if (method !== 'PUT') return undefined;
      writes += 1;
      if (writes === nth) process.kill(engine.worker?.pid ?? 0, 'SIGKILL');
      return undefined;
    };
    const jobId = await engine.submit(parameters);
    await until(async () => writes >= nth || undefined, 60, `write ${nth} of job ${jobId}`);
    await engine.worker?.ended;
    await engine.startWorker();
    expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: settings.bucket }),
    );
    const names = Contents.map((one) => (one.Key ?? '').slice('vod/film/'.length));
    expect(names.filter((name) => name.startsWith('.te-'))).toEqual([]);
    expect(names.filter((name) => /-\d+-/.test(name) && !name.includes(`-${jobId}-`))).toEqual([]);
  }
  await sampler.stop();
  expect(sampler.violations).toEqual([]);
  expect(sampler.samples).toBeGreaterThan(50);
  expect(await faultsOf(played, 'film.m3u8')).toEqual([]);
  const { Uploads = [] } = await client.send(
    new ListMultipartUploadsCommand({ Bucket: settings.bucket }),
  );
  expect(Uploads).toEqual([]);
});
