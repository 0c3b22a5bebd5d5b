import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  BlobServiceClient,
  generateAccountSASQueryParameters,
  SASProtocol,
  type StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { createAzureStorage } from '../../../src/storage/azure-blob.ts';
import { createAzureClient } from '../../../src/storage/azure-client.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createS3Storage } from '../../../src/storage/s3.ts';
import { createS3Client } from '../../../src/storage/s3-client.ts';
import { FaultProxy } from '../../helpers/fault-proxy.ts';
import { newBucket, newContainer } from '../../helpers/storages.ts';
import { storeUrl } from '../../helpers/wires.ts';

const MB = 1024 * 1024;

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'task-engine-options-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(base, { recursive: true, force: true });
});

/** A small and a large file up, moved, listed, down and deleted. */
async function goRound(storage: StorageDriver): Promise<void> {
  for (const sizeBytes of [100, 20 * MB]) {
    const content = randomBytes(sizeBytes);
    await writeFile(join(base, 'up'), content);
    await storage.upload(join(base, 'up'), 'film/.te-1-a.mp4');
    await storage.move('film/.te-1-a.mp4', 'film/a.mp4');
    expect((await storage.list('film')).map((one) => one.sizeBytes)).toEqual([sizeBytes]);
    await storage.download('film/a.mp4', join(base, 'down'));
    expect((await readFile(join(base, 'down'))).equals(content)).toBe(true);
    await storage.delete(['film/a.mp4']);
    expect(await storage.list('film')).toEqual([]);
  }
}

test('an S3 service without checksum headers is given none, and MD5s instead', async () => {
  const { endpoint, secretAccessKey } = inject('stores').s3;
  const proxy = await new FaultProxy(endpoint).start();
  const { settings } = await newBucket({ hasChecksums: false });
  const through = { ...settings, endpoint: proxy.url };
  await goRound(
    createS3Storage(createS3Client(through, secretAccessKey), through, { copyWholeBytes: 5 * MB }),
  );
  await proxy.close();
  const puts = proxy.requests.filter(({ method }) => method === 'PUT');
  const sent = puts.filter(({ headers }) => headers['x-amz-copy-source'] === undefined);
  expect(sent.length).toBeGreaterThan(3);
  const deletions = proxy.requests.filter(({ url }) => /[?&]delete/.test(url));
  expect(deletions.length).toBeGreaterThan(1);
  for (const { headers } of [...sent, ...deletions]) {
    expect(headers['content-md5']).toBeDefined();
    expect(Object.keys(headers).filter((name) => name.includes('checksum'))).toEqual([]);
  }
});

test('storage class and encryption go with every object that is made, copies too', async () => {
  const { endpoint, secretAccessKey } = inject('stores').s3;
  const proxy = await new FaultProxy(endpoint).start();
  const { settings } = await newBucket();
  const through = {
    ...settings,
    endpoint: proxy.url,
    storageClass: 'STANDARD_IA',
    encryption: 'AES256',
    acl: 'bucket-owner-full-control',
  };
  // what the server thinks of them is its own affair: the headers are looked at
  proxy.fault = ({ headers }) =>
    headers['x-amz-acl'] === undefined ? undefined : { kind: 'status', status: 400 };
  const storage = createS3Storage(createS3Client(through, secretAccessKey), through);
  const plain = createS3Storage(createS3Client(settings, secretAccessKey), settings);
  await writeFile(join(base, 'small'), 'x');
  await writeFile(join(base, 'large'), randomBytes(9 * MB));
  await plain.upload(join(base, 'small'), 'film/c');
  await expect(storage.upload(join(base, 'small'), 'film/a')).rejects.toThrow(/HTTP 400/);
  await expect(storage.upload(join(base, 'large'), 'film/b')).rejects.toThrow(/HTTP 400/);
  await expect(storage.move('film/c', 'film/d')).rejects.toThrow(/HTTP 400/);
  await proxy.close();
  const making = proxy.requests.filter(({ headers }) => headers['x-amz-acl'] !== undefined);
  expect(making.map(({ method }) => method)).toEqual(['PUT', 'POST', 'PUT']);
  for (const { headers } of making) {
    expect(headers).toMatchObject({
      'x-amz-acl': 'bucket-owner-full-control',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-server-side-encryption': 'AES256',
    });
  }
});

test('without an access key the default provider chain is asked', async () => {
  const { accessKeyId, secretAccessKey } = inject('stores').s3;
  const { settings } = await newBucket();
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
  const own = { ...settings, accessKeyId: null };
  await goRound(createS3Storage(createS3Client(own, undefined), own));
});

test('a whole bucket may be the root', async () => {
  const { settings, client } = await newBucket({ root: '' });
  const storage = createS3Storage(client, settings);
  await goRound(storage);
  await storage.probe();
  expect(storage.fullPath('film/a.mp4')).toBe('film/a.mp4');
});

test('a SAS opens a container, also for the copy of a large blob', async () => {
  const service = BlobServiceClient.fromConnectionString(inject('stores').azure.connectionString);
  const sas = generateAccountSASQueryParameters(
    {
      expiresOn: new Date(Date.now() + 3_600_000),
      permissions: AccountSASPermissions.parse('rwdlac'),
      services: AccountSASServices.parse('b').toString(),
      resourceTypes: AccountSASResourceTypes.parse('sco').toString(),
      protocol: SASProtocol.HttpsAndHttp,
    },
    service.credential as StorageSharedKeyCredential,
  ).toString();
  const { settings } = await newContainer();
  const own = {
    ...settings,
    credential: 'sas' as const,
    accountUrl: service.url.replace(/\/$/, ''),
  };
  const storage = createAzureStorage(createAzureClient(own, sas), own);
  await goRound(storage);
  expect(storage.volume).not.toContain('sig=');
});

test('an encryption scope goes with every blob that is made, copies too, large and small', async () => {
  const connection = inject('stores').azure.connectionString;
  const url = storeUrl('azure_blob');
  const proxy = await new FaultProxy(url).start();
  const { settings } = await newContainer();
  const scoped = { ...settings, encryptionScope: 'of-acme' };
  const client = createAzureClient(scoped, connection.replace(url, proxy.url));
  const storage = createAzureStorage(client, scoped, { copyWholeBytes: 5 * MB });
  await goRound(storage);
  await proxy.close();
  const making = proxy.requests.filter(({ method }) => method === 'PUT');
  expect(making.length).toBeGreaterThan(6);
  for (const { headers } of making) expect(headers['x-ms-encryption-scope']).toBe('of-acme');
});

describe.each([1000, 6 * MB])('a copy of %d bytes', (sizeBytes) => {
  const set = { disposition: 'attachment; filename="film.mp4"', encoding: 'gzip', language: 'es' };
  const bytes = randomBytes(sizeBytes);

  test('keeps what an operator has set on an S3 object', async () => {
    const { settings, client } = await newBucket();
    const storage = createS3Storage(client, settings, { copyWholeBytes: 5 * MB });
    await client.send(
      new PutObjectCommand({
        Bucket: settings.bucket,
        Key: storage.fullPath('film/a.mp4'),
        Body: bytes,
        ContentDisposition: set.disposition,
        ContentEncoding: set.encoding,
        ContentLanguage: set.language,
        Metadata: { owner: 'acme' },
      }),
    );
    await storage.copy('film/a.mp4', 'film/b.mp4');
    const Key = storage.fullPath('film/b.mp4');
    const found = await client.send(new HeadObjectCommand({ Bucket: settings.bucket, Key }));
    expect(found).toMatchObject({
      ContentLength: sizeBytes,
      ContentDisposition: set.disposition,
      ContentEncoding: set.encoding,
      ContentLanguage: set.language,
      Metadata: { owner: 'acme' },
    });
  });

  test.each([null, 'of-acme'])(
    'keeps it of a blob, encryption scope %s',
    async (encryptionScope) => {
      const { settings, client } = await newContainer({ encryptionScope });
      const storage = createAzureStorage(client, settings, { copyWholeBytes: 5 * MB });
      const blob = client.getBlockBlobClient(storage.fullPath('film/a.mp4'));
      await blob.upload(bytes, sizeBytes, {
        blobHTTPHeaders: {
          blobContentDisposition: set.disposition,
          blobContentEncoding: set.encoding,
          blobContentLanguage: set.language,
        },
        metadata: { owner: 'acme' },
      });
      await storage.copy('film/a.mp4', 'film/b.mp4');
      const copy = client.getBlobClient(storage.fullPath('film/b.mp4'));
      expect(await copy.getProperties()).toMatchObject({
        contentLength: sizeBytes,
        contentDisposition: set.disposition,
        contentEncoding: set.encoding,
        contentLanguage: set.language,
        metadata: { owner: 'acme' },
      });
      expect((await copy.downloadToBuffer()).equals(bytes)).toBe(true);
    },
  );
});

test('an access tier goes with every blob that is made', async () => {
  const { settings, client } = await newContainer({ tier: 'Cool' });
  const storage = createAzureStorage(client, settings);
  await writeFile(join(base, 'small'), 'x');
  await writeFile(join(base, 'large'), randomBytes(9 * MB));
  for (const name of ['small', 'large']) {
    await storage.upload(join(base, name), `film/.te-${name}`);
    await storage.move(`film/.te-${name}`, `film/${name}`);
    const found = await client.getBlobClient(storage.fullPath(`film/${name}`)).getProperties();
    expect(found.accessTier).toBe('Cool');
  }
});

test('a key that S3 refuses to delete fails the deletion, though the answer is 200', async () => {
  const { endpoint, secretAccessKey } = inject('stores').s3;
  const proxy = await new FaultProxy(endpoint).start();
  const { settings } = await newBucket();
  const through = { ...settings, endpoint: proxy.url };
  const refused = (code: string) =>
    `<DeleteResult><Error><Key>tenants/acme/film/a.mp4</Key><Code>${code}</Code></Error></DeleteResult>`;
  const storage = createS3Storage(createS3Client(through, secretAccessKey), through);
  proxy.fault = () => ({ kind: 'instead', status: 200, body: refused('AccessDenied') });
  await expect(storage.delete(['film/a.mp4', 'film/b.mp4'])).rejects.toThrow(
    /^The storage refused deleting a\.mp4 \(AccessDenied, HTTP 200\)$/,
  );
  proxy.fault = () => ({ kind: 'instead', status: 200, body: refused('NoSuchKey') });
  await storage.delete(['film/a.mp4', 'film/b.mp4']);
  await proxy.close();
});

test('what a store refuses is told by its code, without names of keys or their secrets', async () => {
  const { settings } = await newBucket();
  const { settings: ofAzure } = await newContainer();
  const wrong = createS3Storage(createS3Client(settings, 'CANARY-wrong-secret'), settings);
  await expect(wrong.list('film')).rejects.toThrow(
    /^The storage refused listing film \(SignatureDoesNotMatch, HTTP 403\)$/,
  );
  // an answer to HEAD has no body to tell a code
  await expect(wrong.stat('film/a.mp4')).rejects.toThrow(
    /^The storage refused reading tenants\/acme\/film\/a\.mp4 \(Forbidden, HTTP 403\)$/,
  );
  const gone = { ...settings, bucket: 'no-such-bucket-here' };
  const { secretAccessKey } = inject('stores').s3;
  await expect(
    createS3Storage(createS3Client(gone, secretAccessKey), gone).probe(),
  ).rejects.toThrow(/^The storage refused listing \(NoSuchBucket, HTTP 404\)$/);
  const connection = inject('stores').azure.connectionString;
  const none = { ...ofAzure, container: 'no-such-container' };
  await expect(
    createAzureStorage(createAzureClient(none, connection), none).list('film'),
  ).rejects.toThrow(/^The storage refused listing film \(ContainerNotFound, HTTP 404\)$/);
});
