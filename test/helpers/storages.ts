import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ContainerClient } from '@azure/storage-blob';
import { inject } from 'vitest';
import type { StorageKind } from '../../src/domain/storage-kind.ts';
import type { AzureSettings, S3Settings } from '../../src/domain/storage-settings.ts';
import { createAzureStorage } from '../../src/storage/azure-blob.ts';
import { createAzureClient } from '../../src/storage/azure-client.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import { createS3Client } from '../../src/storage/s3-client.ts';
import { s3Settings } from './object-stores.ts';

/** A driver over a bucket, container or folder of its own, and what only its kind can tell. */
export interface TestStorage {
  readonly driver: StorageDriver;
  /** Every key below the root, hidden ones too, without what the driver leaves out. */
  readonly allKeys: () => Promise<readonly string[]>;
  /** Media type and cache header that a player is given; undefined on local disks. */
  readonly headers: (
    key: string,
  ) => Promise<
    { readonly type: string | undefined; readonly cache: string | undefined } | undefined
  >;
  /** Uploads that were begun and neither ended nor removed. */
  readonly openUploads: () => Promise<number>;
  readonly remove: () => Promise<void>;
}

/** Settings of a new bucket of the test's S3 server. */
export async function newBucket(
  changes: Partial<S3Settings> = {},
): Promise<{ readonly settings: S3Settings; readonly client: S3Client }> {
  const { s3 } = inject('stores');
  const settings = s3Settings(s3, {
    bucket: `test-${randomUUID()}`,
    root: 'tenants/acme',
    cacheControl: 'public, max-age=31536000, immutable',
    fixedCacheControl: 'no-cache',
    ...changes,
  });
  const client = createS3Client(settings, s3.secretAccessKey);
  await client.send(new CreateBucketCommand({ Bucket: settings.bucket }));
  return { settings, client };
}

/** Settings of a new container of the test's azurite. */
export async function newContainer(
  changes: Partial<AzureSettings> = {},
): Promise<{ readonly settings: AzureSettings; readonly client: ContainerClient }> {
  const settings: AzureSettings = {
    kind: 'azure_blob',
    container: `test-${randomUUID()}`,
    root: 'tenants/acme',
    credential: 'connection-string',
    accountUrl: null,
    tier: null,
    encryptionScope: null,
    cacheControl: 'public, max-age=31536000, immutable',
    fixedCacheControl: 'no-cache',
    ...changes,
  };
  const client = createAzureClient(settings, inject('stores').azure.connectionString);
  await client.create();
  return { settings, client };
}

async function s3Storage(): Promise<TestStorage> {
  const { settings, client } = await newBucket();
  const { bucket: Bucket, root } = settings;
  const driver = createS3Storage(client, settings, { copyWholeBytes: 5 * 1024 * 1024 });
  return {
    driver,
    allKeys: async () => {
      const keys: string[] = [];
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket })) {
        for (const { Key = '' } of Contents) keys.push(Key.slice(root.length + 1));
      }
      return keys.sort();
    },
    headers: async (key) => {
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: driver.fullPath(key) }));
      return { type: head.ContentType, cache: head.CacheControl };
    },
    openUploads: async () => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      return Uploads.length;
    },
    remove: async () => client.destroy(),
  };
}

async function azureStorage(): Promise<TestStorage> {
  const { settings, client } = await newContainer();
  const driver = createAzureStorage(client, settings, { copyWholeBytes: 5 * 1024 * 1024 });
  return {
    driver,
    allKeys: async () => {
      const keys: string[] = [];
      for await (const one of client.listBlobsFlat()) {
        keys.push(one.name.slice(settings.root.length + 1));
      }
      return keys.sort();
    },
    headers: async (key) => {
      const found = await client.getBlobClient(driver.fullPath(key)).getProperties();
      return { type: found.contentType, cache: found.cacheControl };
    },
    openUploads: () => Promise.resolve(0),
    remove: async () => void (await client.deleteIfExists()),
  };
}

async function localStorage(): Promise<TestStorage> {
  const base = await mkdtemp(join(tmpdir(), 'task-engine-storage-'));
  const root = join(base, 'tenants/acme');
  return {
    driver: createLocalStorage(root),
    allKeys: async () => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
      return entries
        .filter((one) => one.isFile())
        .map((one) => join(one.parentPath, one.name).slice(root.length + 1))
        .sort();
    },
    headers: () => Promise.resolve(undefined),
    openUploads: () => Promise.resolve(0),
    remove: () => rm(base, { recursive: true, force: true }),
  };
}

/** A storage of a kind, empty, for one test. */
export function openTestStorage(kind: StorageKind): Promise<TestStorage> {
  switch (kind) {
    case 'S3':
      return s3Storage();
    case 'azure_blob':
      return azureStorage();
    case 'local':
      return localStorage();
  }
}
