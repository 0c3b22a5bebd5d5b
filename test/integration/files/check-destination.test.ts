import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { createFetchSource } from '../../../activities/files/fetch/fetch-source.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createAzureStorage } from '../../../src/storage/azure-blob.ts';
import { createS3Client } from '../../../src/storage/s3-client.ts';
import { createS3Storage } from '../../../src/storage/s3.ts';
import { tryPort } from '../../../dev/stack/free-port.ts';
import { newBucket, newContainer } from '../../helpers/storages.ts';
import { Scene, TestTask } from './scene.ts';

/* Where the results will go is looked at before a source is fetched. */

let scene: Scene;
let task: TestTask;

async function setUp(output?: StorageDriver): Promise<void> {
  scene = await Scene.create(output === undefined ? {} : { output });
  task = new TestTask(7);
  await scene.putSource('film/film.mp4', 'the source');
}

beforeEach(() => setUp());

afterEach(() => scene.remove());

const fetchTo = (folder: string) =>
  createFetchSource(scene.deps)(task, {
    jobId: 7,
    tenant: 'acme',
    storage: 'local',
    folder: 'film',
    asset: 'film',
    retries: 0,
    destination: { storage: scene.output.kind, folder },
  });

const downloads = () => scene.input.calls.filter(({ call }) => call === 'download');

test('a folder that is there, and one that is not yet, are fetched for', async () => {
  await mkdir(join(scene.base, 'output', 'vod', 'film'), { recursive: true });
  for (const folder of ['vod/film', 'vod/new']) await fetchTo(folder);
  expect(downloads().length).toBeGreaterThan(0);
  expect(task.notes).toEqual([]);
});

test('a path through a file or a link fails at once', async () => {
  await mkdir(join(scene.base, 'output'), { recursive: true });
  await writeFile(join(scene.base, 'output', 'file'), '');
  await symlink(scene.base, join(scene.base, 'output', 'link'));
  for (const folder of ['file/film', 'link/film']) {
    await expect(fetchTo(folder)).rejects.toMatchObject({
      type: 'InvalidInput',
      isTerminal: true,
      message: expect.stringMatching(`^Output folder: ${folder}`),
    });
  }
  expect(downloads()).toEqual([]);
});

test('a bucket or container that is not there, or refuses, fails before anything is fetched', async () => {
  const { settings, client } = await newBucket();
  const noBucket = createS3Storage(client, { ...settings, bucket: 'no-such-bucket' });
  const wrongSecret = createS3Storage(createS3Client(settings, 'a wrong secret'), settings);
  const { settings: container, client: containerClient } = await newContainer();
  await containerClient.delete();
  const noContainer = createAzureStorage(containerClient, container);
  for (const output of [noBucket, wrongSecret, noContainer]) {
    await scene.remove();
    await setUp(output);
    await expect(fetchTo('vod/film')).rejects.toMatchObject({
      type: 'StorageFailed',
      isTerminal: false,
      message: expect.stringMatching(/^Output folder: .* refused listing/),
    });
    expect(downloads()).toEqual([]);
  }
});

test('a storage that does not answer now is told and asked again when publishing', async () => {
  const { settings } = await newBucket();
  const endpoint = `http://127.0.0.1:${await tryPort(0)}`;
  const down = { ...settings, endpoint };
  await scene.remove();
  await setUp(createS3Storage(createS3Client(down, inject('stores').s3.secretAccessKey), down));
  await fetchTo('vod/film');
  expect(downloads()).toHaveLength(1);
  expect(task.notes).toEqual([
    expect.stringMatching(/^WARN The destination is asked again when publishing: .*ECONNREFUSED/),
  ]);
});
