import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { runCli } from '../cli/run.ts';
import { freePort } from '../dev/stack/free-port.ts';
import { nodePiece } from '../dev/stack/pieces.ts';
import { readConfig } from '../src/config/config.ts';
import { createS3Storage } from '../src/storage/s3.ts';
import { createS3Client } from '../src/storage/s3-client.ts';
import { s3Settings, startObjectStores } from '../test/helpers/object-stores.ts';
import { loadWorkflowBundle } from '../worker/bundle.ts';
import { createBenchDatabase, startServices } from './services.ts';

// Memory of a worker process while a whole vodstream job fetches a large source from S3 and publishes it to
// S3: the highest resident size above that of the idle process. Tools run in processes of their own.

const { values } = parseArgs({ options: { gb: { type: 'string', default: '5' } } });
const WANTED_BYTES = Number(values.gb) * 1e9;
const AIM_MB = 300;
const SAMPLE_MS = 100;
const IDLE_MS = 5_000;
const KEY = 'bench-key-1';

const stores = await startObjectStores();
const { endpoint, accessKeyId, secretAccessKey } = stores.value.s3;
const services = await startServices();
const { folder } = services;

const settings = s3Settings(stores.value.s3, { bucket: 'bench-memory' });
const client = createS3Client(settings, secretAccessKey);

/** A clip of noise, which no codec makes small, and its copies one after the other up to the wanted size. */
async function putSource(): Promise<number> {
  const [part, source] = [join(folder, 'part.mp4'), join(folder, 'source.mp4')];
  const clip = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=1280x720:rate=25:duration=20,noise=alls=60:allf=t',
  ];
  const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=20'];
  const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-crf', '12'];
  const gop = ['-g', '50', '-keyint_min', '50', '-sc_threshold', '0', '-c:a', 'aac', '-t', '20'];
  await execa('ffmpeg', ['-loglevel', 'error', ...clip, ...tone, ...codecs, ...gop, part]);
  const loops = Math.ceil(WANTED_BYTES / (await stat(part)).size);
  const loop = ['-stream_loop', String(loops - 1), '-i', part, '-c', 'copy', source];
  await execa('ffmpeg', ['-loglevel', 'error', ...loop]);
  const { size } = await stat(source);
  await createS3Storage(client, settings).upload(source, 'in/film/film.mp4');
  await rm(source);
  return size;
}

/** Resident size of a process, bytes. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

const mb = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

try {
  await client.send(new CreateBucketCommand({ Bucket: settings.bucket }));
  const sizeBytes = await putSource();
  const port = await freePort(0, 'PORT');
  const secretsKey = randomBytes(32).toString('base64');
  const databaseUrl = await createBenchDatabase(services, 'bench_memory');
  const variables = {
    EMBEDDED: '1',
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: services.temporalAddress,
    DATA_DIR: folder,
    PORT: String(port),
    BOOTSTRAP_TENANTS: `bench:${KEY}`,
    SECRETS_KEY: secretsKey,
    LOG_LEVEL: 'warn',
  };
  await mkdir(join(folder, 'work'), { recursive: true });
  const start = (name: 'api' | 'worker') =>
    nodePiece({
      name,
      script: `${name}/main.ts`,
      variables,
      logFile: join(folder, `${name}.log`),
    }).start();
  const api = await start('api');
  await runCli(
    ['storage', 'bench', 'S3', '--bucket', settings.bucket, '--endpoint', endpoint].concat([
      '--path-style',
      '--access-key-id',
      accessKeyId,
    ]),
    {
      out: () => undefined,
      err: (line) => process.stderr.write(`${line}\n`),
      readSecret: () => Promise.resolve(secretAccessKey),
    },
    readConfig({ DATABASE_URL: databaseUrl, SECRETS_KEY: secretsKey }),
  );
  // as an image's build does: bundling takes memory that a worker has only at its very first start
  await loadWorkflowBundle();
  const worker = await start('worker');
  await delay(IDLE_MS);
  const idle = await residentBytes(worker.pid);

  const headers = { client: 'bench', 'api-key': KEY, 'content-type': 'application/json' };
  const call = async <Answer>(path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers,
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return (await response.json()) as Answer;
  };
  const startedAt = performance.now();
  const { id, error } = await call<{ readonly id?: number; readonly error?: string }>('/job', {
    job: { workflow: 'vodstream' },
    parameters: {
      content_id: 'film',
      source_folder: 'in/film',
      output_folder: 'out/film',
      source_storage: 'S3',
      destination_storage: 'S3',
    },
  });
  if (id === undefined) throw new Error(error);
  let peak = 0;
  let samples = 0;
  for (let ended = false; !ended; samples++) {
    peak = Math.max(peak, await residentBytes(worker.pid));
    if (samples % 10 === 0) {
      const job = await call<{ failed: boolean; message: string; ended_at: string | null }>(
        `/jobs/${id}`,
      );
      if (job.failed) throw new Error(job.message);
      ended = job.ended_at !== null;
    }
    await delay(SAMPLE_MS);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(`source ${(sizeBytes / 1e9).toFixed(2)} GB, job ${seconds.toFixed(0)} s\n`);
  process.stdout.write(`worker idle ${mb(idle)}, peak ${mb(peak)} (${samples} samples)\n`);
  const verdict = peak - idle < AIM_MB * 1e6 ? 'ok' : 'MISSED';
  process.stdout.write(`above idle ${mb(peak - idle)} (aim below ${AIM_MB} MB) ${verdict}\n`);
  await worker.stop();
  await api.stop();
} finally {
  client.destroy();
  await services.stop();
  await stores.stop();
}
process.exit(0);
