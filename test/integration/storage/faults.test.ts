import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createAzureStorage } from '../../../src/storage/azure-blob.ts';
import { createAzureClient } from '../../../src/storage/azure-client.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { createS3Storage } from '../../../src/storage/s3.ts';
import { createS3Client } from '../../../src/storage/s3-client.ts';
import { FaultProxy, type ProxiedRequest } from '../../helpers/fault-proxy.ts';
import { between, createRandom } from '../../helpers/faults.ts';
import { newBucket, newContainer } from '../../helpers/storages.ts';

const MB = 1024 * 1024;

/** The same store straight and through a proxy. */
interface Wire {
  readonly proxy: FaultProxy;
  readonly straight: StorageDriver;
  readonly driver: StorageDriver;
  readonly openUploads: () => Promise<number>;
}

const KINDS = {
  S3: async (): Promise<Wire> => {
    const { endpoint, secretAccessKey } = inject('stores').s3;
    const proxy = await new FaultProxy(endpoint).start();
    const { settings, client } = await newBucket();
    const through = { ...settings, endpoint: proxy.url };
    return {
      proxy,
      straight: createS3Storage(client, settings),
      driver: createS3Storage(createS3Client(through, secretAccessKey), through),
      openUploads: async () => {
        const { Uploads = [] } = await client.send(
          new ListMultipartUploadsCommand({ Bucket: settings.bucket }),
        );
        return Uploads.length;
      },
    };
  },
  azure_blob: async (): Promise<Wire> => {
    const { connectionString } = inject('stores').azure;
    const [, target = ''] = /BlobEndpoint=(http:\/\/[^/;]+)/.exec(connectionString) ?? [];
    const proxy = await new FaultProxy(target).start();
    const { settings, client } = await newContainer();
    const through = createAzureClient(settings, connectionString.replace(target, proxy.url));
    return {
      proxy,
      straight: createAzureStorage(client, settings),
      driver: createAzureStorage(through, settings),
      openUploads: () => Promise.resolve(0),
    };
  },
};

describe.each(Object.entries(KINDS))('%s over a bad wire', (kind, open) => {
  let base: string;
  let wire: Wire;
  let content: Buffer;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'task-engine-faults-'));
    wire = await open();
    content = randomBytes(20 * MB);
    await writeFile(join(base, 'up'), content);
    await wire.straight.upload(join(base, 'up'), 'film/a.mp4');
  });

  afterEach(async () => {
    await wire.proxy.close();
    await rm(base, { recursive: true, force: true });
  });

  /** Fetches over the bad wire; true where what came is what is there. */
  const download = async (): Promise<boolean> => {
    await wire.driver.download('film/a.mp4', join(base, 'down'));
    return (await readFile(join(base, 'down'))).equals(content);
  };

  /** True where an upload of the content is there, whole. */
  const isUploaded = async (): Promise<boolean> => {
    await wire.straight.download('film/b.mp4', join(base, 'check'));
    return (await readFile(join(base, 'check'))).equals(content);
  };

  /** Requests of one method that are about a file's bytes. */
  const nth = (method: string, ...numbers: readonly number[]) => {
    let count = 0;
    return (request: ProxiedRequest): boolean => {
      if (request.method !== method) return false;
      count += 1;
      return numbers.includes(count);
    };
  };

  test('a download that is cut at any byte goes on where it was cut', async () => {
    const random = createRandom(7);
    const isHit = nth('GET', 1, 2, 3, 4);
    wire.proxy.fault = (request) =>
      isHit(request) ? { kind: 'cut', afterBytes: between(random, 0, 4 * MB) } : undefined;
    expect(await download()).toBe(true);
    expect(wire.proxy.requests.filter((one) => one.method === 'GET').length).toBeGreaterThan(4);
  });

  test('bursts of 503 and resets are waited out, both ways, and leave no open upload', async () => {
    const random = createRandom(11);
    wire.proxy.fault = ({ number }) => {
      if (number > 60 || random() > 0.3) return undefined;
      return random() < 0.5 ? { kind: 'status', status: 503 } : { kind: 'reset' };
    };
    expect(await download()).toBe(true);
    await wire.driver.upload(join(base, 'up'), 'film/b.mp4');
    expect(await isUploaded()).toBe(true);
    expect(await wire.openUploads()).toBe(0);
  });

  test('an upload whose every answer is lost once is there, once and whole', async () => {
    const seen = new Set<string>();
    wire.proxy.fault = ({ method, url }) => {
      if (method === 'GET' || method === 'HEAD' || seen.has(method + url)) return undefined;
      seen.add(method + url);
      // the first answer to the call that begins names the upload: losing it begins another one
      return /[?&]uploads/.test(url) ? undefined : { kind: 'lost' };
    };
    await wire.driver.upload(join(base, 'up'), 'film/b.mp4');
    expect(await isUploaded()).toBe(true);
    expect(await wire.openUploads()).toBe(0);
  });

  test('the call that ends an upload may be done although its repetition finds nothing to end', async () => {
    let ends = 0;
    wire.proxy.fault = ({ method, url }) => {
      if (method !== 'POST' || !url.includes('uploadId=')) return undefined;
      ends += 1;
      return ends === 1 ? { kind: 'lost' } : { kind: 'status', status: 404 };
    };
    await wire.driver.upload(join(base, 'up'), 'film/b.mp4');
    expect(await isUploaded()).toBe(true);
    // Azure ends an upload with a PUT that may be repeated
    expect(ends).toBe(kind === 'S3' ? 2 : 0);
  });

  test.each([1, 100_000])(
    'an answer that is %d bytes short and says that it is whole fails the fetch, with nothing left',
    async (byBytes) => {
      wire.proxy.fault = ({ method }) =>
        method === 'GET' ? { kind: 'short', byBytes } : undefined;
      await expect(download()).rejects.toMatchObject({ type: 'StorageFailed' });
      await expect(stat(join(base, 'down'))).rejects.toThrow('ENOENT');
    },
  );

  test('a byte that changes on the way down fails the fetch', async () => {
    const isHit = nth('GET', 1);
    wire.proxy.fault = (request) => (isHit(request) ? { kind: 'flip' } : undefined);
    await expect(download()).rejects.toMatchObject({
      type: 'StorageFailed',
      message: expect.stringContaining('another checksum'),
    });
    await expect(stat(join(base, 'down'))).rejects.toThrow('ENOENT');
  });

  test('an object replaced between its first question and its bytes fails the fetch', async () => {
    await writeFile(join(base, 'other'), randomBytes(20 * MB));
    let replaced: Promise<unknown> | undefined;
    wire.proxy.fault = ({ method }) => {
      if (method !== 'GET') return undefined;
      replaced ??= wire.straight.upload(join(base, 'other'), 'film/a.mp4');
      return { kind: 'cut', afterBytes: 1000 };
    };
    await expect(download()).rejects.toMatchObject({ type: 'StorageFailed' });
    await replaced;
    await expect(stat(join(base, 'down'))).rejects.toThrow('ENOENT');
  });

  test('a store that is not there is told so, and what was begun is taken back when it returns', async () => {
    wire.proxy.fault = ({ method, url }) =>
      method === 'PUT' && /partNumber=2|comp=block&/.test(url) ? { kind: 'reset' } : undefined;
    await expect(wire.driver.upload(join(base, 'up'), 'film/b.mp4')).rejects.toMatchObject({
      type: 'StorageFailed',
      message: expect.stringMatching(/^The storage cannot be reached for writing/),
    });
    expect(await wire.straight.stat('film/b.mp4')).toBeUndefined();
    expect(await wire.openUploads()).toBe(0);
  });
});
