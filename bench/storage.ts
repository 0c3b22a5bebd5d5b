import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { forEachParallel } from '../activities/files/parallel.ts';
import { PARALLEL_FILES } from '../activities/files/publish/upload-files.ts';
import { createS3Storage } from '../src/storage/s3.ts';
import { createS3Client } from '../src/storage/s3-client.ts';
import { s3Settings, startObjectStores } from '../test/helpers/object-stores.ts';
import { median } from './load.ts';

// Uploading and downloading as `publish` and `fetch_source` do, against `aws s3 cp --recursive` on the same
// server: 1 GB in 4 files, and 2,000 files of 50 kB. Rounds in turn; the ratio is that of the medians.

const ROUNDS = 3;
const AIM = 1.1;
const SETS = {
  '1 GB in 4 files': { count: 4, sizeBytes: 250_000_000 },
  '2,000 files of 50 kB': { count: 2000, sizeBytes: 50_000 },
};

const stores = await startObjectStores();
const { endpoint, accessKeyId, secretAccessKey } = stores.value.s3;
const settings = s3Settings(stores.value.s3, { bucket: 'bench', root: 'engine' });
const client = createS3Client(settings, secretAccessKey);
await client.send(new CreateBucketCommand({ Bucket: settings.bucket }));
const storage = createS3Storage(client, settings);
const never = new AbortController().signal;

const aws = async (from: string, to: string): Promise<void> => {
  await execa(
    'aws',
    ['--endpoint-url', endpoint, 's3', 'cp', '--recursive', '--only-show-errors', from, to],
    {
      env: {
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_DEFAULT_REGION: settings.region,
      },
    },
  );
};

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

const base = await mkdtemp(join(tmpdir(), 'task-engine-bench-storage-'));
try {
  for (const [title, { count, sizeBytes }] of Object.entries(SETS)) {
    const source = join(base, 'source');
    await mkdir(source);
    for (let at = 0; at < count; at++)
      await writeFile(join(source, `${at}.mp4`), randomBytes(sizeBytes));
    const names = await readdir(source);
    const took = { engineUp: [], awsUp: [], engineDown: [], awsDown: [] } as Record<
      string,
      number[]
    >;
    for (let round = 0; round < ROUNDS; round++) {
      const [own, its] = [join(base, 'own'), join(base, 'its')];
      await mkdir(own);
      took['engineUp']?.push(
        await seconds(() =>
          forEachParallel(names, PARALLEL_FILES, never, async (name, signal) => {
            await storage.upload(join(source, name), `set/${name}`, { signal });
          }),
        ),
      );
      took['awsUp']?.push(await seconds(() => aws(source, 's3://bench/aws/set')));
      took['engineDown']?.push(
        await seconds(() =>
          forEachParallel(names, PARALLEL_FILES, never, async (name, signal) => {
            await storage.download(`set/${name}`, join(own, name), { signal });
          }),
        ),
      );
      took['awsDown']?.push(await seconds(() => aws('s3://bench/aws/set', its)));
      for (const folder of [own, its]) await rm(folder, { recursive: true, force: true });
    }
    for (const way of ['Up', 'Down']) {
      const [engine, other] = [median(took[`engine${way}`] ?? []), median(took[`aws${way}`] ?? [])];
      const verdict = engine / other <= AIM ? 'ok' : `MISSED (aim ${AIM})`;
      process.stdout.write(
        `${title}, ${way.toLowerCase()}: engine ${engine.toFixed(2)} s, aws ${other.toFixed(2)} s, ratio ${(engine / other).toFixed(2)} ${verdict}\n`,
      );
    }
    await rm(source, { recursive: true, force: true });
  }
} finally {
  await rm(base, { recursive: true, force: true });
  client.destroy();
  await stores.stop();
}
