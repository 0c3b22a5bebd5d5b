import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runCli } from '../../cli/run.ts';
import { readConfig } from '../../src/config/config.ts';
import { STORAGE_KINDS, type StorageKind } from '../../src/domain/storage-kind.ts';
import { createAzureStorage } from '../../src/storage/azure-blob.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import { CallbackSink } from '../helpers/callback-sink.ts';
import { makeClip, pictureHashes } from '../helpers/clips.ts';
import { dumpDatabase } from '../helpers/dump-database.ts';
import { dumpHistories } from '../helpers/dump-histories.ts';
import { TestEngine, until } from '../helpers/engine.ts';
import { newBucket, newContainer } from '../helpers/storages.ts';

const SECRETS_KEY = randomBytes(32).toString('base64');
const { s3, azure } = inject('stores');
/** The part of the connection string that must not be told. */
const AZURE_KEY = /AccountKey=([^;]+)/.exec(azure.connectionString)?.[1] ?? '';

let engine: TestEngine;
let sink: CallbackSink;
let base: string;
let sources: Readonly<Record<StorageKind, StorageDriver>>;
let outputs: Readonly<Record<StorageKind, StorageDriver>>;

/** The operator's command line; `secret` is what is typed unseen. */
async function cli(args: readonly string[], secret: string): Promise<void> {
  const said: string[] = [];
  const code = await runCli(
    args,
    {
      out: () => undefined,
      err: (line) => said.push(line),
      readSecret: () => Promise.resolve(secret),
    },
    readConfig({ DATABASE_URL: engine.database.url, SECRETS_KEY }),
  );
  expect([said, code]).toEqual([[], 0]);
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'task-engine-storages-'));
  engine = await TestEngine.create({ isStarted: false, variables: { SECRETS_KEY } });
  await engine.startApi();
  sink = await new CallbackSink().start();
  const [bucket, container] = [await newBucket(), await newContainer()];
  await cli(
    ['storage', 'acme', 'S3', '--bucket', bucket.settings.bucket, '--root', 'tenants/acme'].concat(
      ['--endpoint', s3.endpoint, '--path-style', '--access-key-id', s3.accessKeyId],
      ['--cache-control', 'max-age=31536000', '--fixed-cache-control', 'no-cache'],
    ),
    s3.secretAccessKey,
  );
  await cli(
    ['storage', 'acme', 'azure_blob', '--container', container.settings.container].concat(
      ['--root', 'tenants/acme', '--credentials', 'connection-string'],
      ['--cache-control', 'max-age=31536000', '--fixed-cache-control', 'no-cache'],
    ),
    azure.connectionString,
  );
  const remote = {
    S3: createS3Storage(bucket.client, bucket.settings),
    azure_blob: createAzureStorage(container.client, container.settings),
  };
  sources = { ...remote, local: createLocalStorage(join(engine.folder, 'input/acme')) };
  outputs = { ...remote, local: createLocalStorage(join(engine.folder, 'output/acme')) };
  await makeClip(join(base, 'clip.mp4'), 3);
  for (const kind of STORAGE_KINDS) {
    await sources[kind].upload(join(base, 'clip.mp4'), 'in/clip/clip.mp4');
  }
  await engine.startWorker();
});

afterAll(async () => {
  await sink?.close();
  await engine?.stop();
  await rm(base, { recursive: true, force: true });
});

const PAIRS = STORAGE_KINDS.flatMap((from) => STORAGE_KINDS.map((to) => [from, to] as const));

test.each(PAIRS)('a job from %s to %s is published whole and plays', async (from, to) => {
  const output = outputs[to];
  const folder = `vod/${from}`;
  const jobId = await engine.submit({
    content_id: 'clip',
    source_folder: 'in/clip',
    output_folder: folder,
    source_storage: from,
    destination_storage: to,
    generate_mp4: true,
    rest_endpoints: [sink.url()],
  });
  expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
  await until(async () => sink.hasEnd(jobId) || undefined, 30, 'the job end');
  const end = sink.delivered(jobId).at(-1);
  expect(end?.['message']).toBe(output.fullPath(`${folder}/clip.m3u8`));
  const files = [...((end?.['files'] ?? []) as readonly string[])].sort();
  const listed = await output.list(folder);
  expect(listed.map((one) => output.fullPath(one.key))).toEqual(files);

  const copy = join(base, `${from}-${to}`);
  await mkdir(copy);
  for (const { key } of listed) await output.download(key, join(copy, basename(key)));
  const hashes = await pictureHashes(join(base, 'clip.mp4'));
  expect(await pictureHashes(join(copy, 'clip.m3u8'))).toEqual(hashes);
  expect(await pictureHashes(join(copy, 'clip.mp4'))).toEqual(hashes);
});

test.each(STORAGE_KINDS)(
  'a second job over one in %s leaves no file of the first where it cannot be undone',
  async (kind) => {
    await engine.set('undo_window', 0);
    const parameters = {
      content_id: 'again',
      source_folder: 'in/clip',
      output_folder: 'vod/again',
      source_storage: kind,
      destination_storage: kind,
    };
    const first = await engine.submit(parameters);
    await engine.untilEnded(first);
    const second = await engine.submit(parameters);
    expect(await engine.untilEnded(second)).toMatchObject({ failed: false });
    const names = (await outputs[kind].list('vod/again')).map((one) => basename(one.key));
    expect(names.filter((name) => name.includes(`-${first}-`))).toEqual([]);
    expect(names.some((name) => name.includes(`-${second}-video`))).toBe(true);
  },
);

test.each(STORAGE_KINDS)('delete_source deletes sources in %s and nothing else', async (kind) => {
  const storage = sources[kind];
  await storage.upload(join(base, 'clip.mp4'), 'in/gone/clip.mp4');
  await storage.upload(join(base, 'clip.mp4'), 'in/gone/notes.bin');
  await storage.upload(join(base, 'clip.mp4'), 'in/gone2/clip.mp4');
  const jobId = await engine.submit({
    content_id: 'gone',
    source_folder: 'in/gone',
    output_folder: 'vod/gone',
    source_storage: kind,
    delete_source: true,
  });
  expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
  expect((await storage.list('in/gone')).map((one) => one.key)).toEqual(['in/gone/notes.bin']);
  expect(await storage.list('in/gone2')).toHaveLength(1);
});

test.each(STORAGE_KINDS)(
  'a dry run looks into %s, and refuses an empty folder there',
  async (kind) => {
    const parameters = { content_id: 'x', source_folder: 'in/clip', source_storage: kind };
    const submit = async (folder: string) => {
      const response = await engine.request('/job?dry_run=1', {
        method: 'POST',
        body: JSON.stringify({
          job: { workflow: 'vodstream' },
          parameters: { ...parameters, source_folder: folder },
        }),
      });
      return (await response.json()) as any;
    };
    expect((await submit('in/clip')).source).toMatchObject({
      storage: kind,
      folder: sources[kind].fullPath('in/clip'),
      count: 1,
      files: [{ name: 'clip.mp4', kind: 'media' }],
    });
    expect((await submit('in/none')).error).toContain(sources[kind].fullPath('in/none'));
  },
);

test('health asks the storages of the client, and says what is wrong with one', async () => {
  const storage = async (): Promise<unknown> =>
    ((await (await engine.request('/health')).json()) as any).databases.storage;
  // the api knows of a change within 3 s, and keeps an answer for another 1.5
  const settled = { timeout: 15_000, interval: 500 };
  expect(await storage()).toBe('OK');
  await cli(['storage', 'other', 'S3', '--bucket', 'none'], '');
  await cli(['set', 'acme', '--source-storage', 'azure_blob', '--destination-storage', 'S3'], '');
  await expect.poll(storage, settled).toBe('OK');
  const { settings } = await newBucket();
  const refusal = `S3 bucket ${settings.bucket} refused listing (SignatureDoesNotMatch, HTTP 403)`;
  await cli(
    ['storage', 'acme', 'S3', '--bucket', settings.bucket, '--side', 'output'].concat([
      '--endpoint',
      s3.endpoint,
      '--path-style',
      '--access-key-id',
      s3.accessKeyId,
    ]),
    'CANARY-wrong-secret',
  );
  await expect.poll(storage, settled).toBe(`output: ${refusal}`);
  // also where jobs have to name it
  await cli(['set', 'acme', '--destination-storage', 'local'], '');
  await setTimeout(6000);
  expect(await storage()).toBe(`output: ${refusal}`);
  await cli(['set', 'acme', '--destination-storage', 'S3'], '');
  await cli(['storage', 'acme', 'S3', '--remove', '--side', 'output'], '');
  await expect.poll(storage, settled).toBe('output: S3 is not configured for this client');
  await cli(['set', 'acme', '--source-storage', 'local', '--destination-storage', ''], '');
});

test('no secret of a storage is in rows, histories, logs, answers or command lines', async () => {
  const connection = await Connection.connect({ address: inject('services').temporalAddress });
  const client = new Client({ connection, namespace: engine.namespace });
  const failed = await engine.submit({
    content_id: 'none',
    source_folder: 'in/none',
    source_storage: 'S3',
    destination_storage: 'local',
  });
  expect(await engine.untilEnded(failed)).toMatchObject({ failed: true });
  const texts = [
    await dumpDatabase(engine.database.db),
    await dumpHistories(client),
    await (await engine.request(`/logs/${failed}?show_all=1`)).text(),
    await (await engine.request('/jobs?limit=100')).text(),
    ...(await Promise.all(
      ['api.log', 'worker.log'].map((name) => readFile(join(engine.folder, name), 'utf8')),
    )),
    ...(await Promise.all(
      [engine.api, engine.worker].map((one) => readFile(`/proc/${one?.pid}/cmdline`, 'utf8')),
    )),
  ];
  await connection.close();
  expect(texts.join('')).toContain('in/none');
  for (const text of texts) {
    expect(text.includes(s3.secretAccessKey)).toBe(false);
    expect(text.includes(AZURE_KEY)).toBe(false);
  }
  expect(await readdir(join(engine.folder, 'work'))).toEqual([]);
});
