import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { RANGE_BYTES } from '../../../src/storage/range-journal.ts';
import { createS3Client } from '../../../src/storage/s3-client.ts';
import { createS3Storage } from '../../../src/storage/s3.ts';
import { FaultProxy } from '../../helpers/fault-proxy.ts';
import { newBucket } from '../../helpers/storages.ts';
import { openWire, REMOTE_KINDS, storeUrl, type Wire } from '../../helpers/wires.ts';

const MB = 1024 * 1024;

let base: string;
let proxy: FaultProxy;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'task-engine-versions-'));
});

afterEach(async () => {
  await proxy.close();
  await rm(base, { recursive: true, force: true });
});

describe.each(REMOTE_KINDS)('%s', (kind) => {
  let wire: Wire;

  beforeEach(async () => {
    proxy = await new FaultProxy(storeUrl(kind)).start();
    wire = await openWire(kind, proxy.url);
    await writeFile(join(base, 'up'), randomBytes(RANGE_BYTES + 1));
    await wire.straight.upload(join(base, 'up'), 'film/a.mp4');
  });

  test('is asked for every range of just the version that was there at first', async () => {
    await wire.driver.download('film/a.mp4', join(base, 'down'));
    const ranges = proxy.requests.filter(({ method }) => method === 'GET');
    expect(ranges).toHaveLength(2);
    const asked = new Set(ranges.map(({ headers }) => headers['if-match']?.replaceAll('"', '')));
    const version = (await wire.straight.stat('film/a.mp4'))?.version;
    expect([...asked]).toEqual([version]);
  });

  test('is not believed where a copy has another length than its file', async () => {
    proxy.fault = ({ method, url }) =>
      method === 'HEAD' && url.includes('b.mp4') ? { kind: 'lying', byBytes: -1 } : undefined;
    await expect(wire.driver.copy('film/a.mp4', 'film/b.mp4')).rejects.toThrow(
      /film\/b\.mp4 was not copied whole$/,
    );
  });

  test('is not believed where it answers with another version all the same', async () => {
    proxy.fault = ({ method }) => (method === 'GET' ? { kind: 'version' } : undefined);
    const down = wire.driver.download('film/a.mp4', join(base, 'down'));
    await expect(down).rejects.toThrow(/film\/a\.mp4 changed while it was fetched$/);
    await expect(stat(join(base, 'down'))).rejects.toThrow('ENOENT');
  });
});

test('an S3 upload whose end finds nothing to end fails where what is there was made of another file', async () => {
  proxy = await new FaultProxy(storeUrl('S3')).start();
  const wire = await openWire('S3', proxy.url);
  await writeFile(join(base, 'up'), randomBytes(9 * MB));
  await wire.straight.upload(join(base, 'up'), 'film/a.mp4');
  const before = await wire.straight.stat('film/a.mp4');
  await writeFile(join(base, 'up'), randomBytes(9 * MB));
  await utimes(join(base, 'up'), new Date(), new Date(Date.now() - 60_000));
  // another worker has removed the upload
  proxy.fault = ({ method, url }) =>
    method === 'POST' && url.includes('uploadId=') ? { kind: 'status', status: 404 } : undefined;
  await expect(wire.driver.upload(join(base, 'up'), 'film/a.mp4')).rejects.toMatchObject({
    type: 'StorageFailed',
  });
  expect(await wire.straight.stat('film/a.mp4')).toEqual(before);
});

test('an S3 object that is replaced while it is copied in parts is not copied in parts of both', async () => {
  const { s3 } = inject('stores');
  proxy = await new FaultProxy(s3.endpoint).start();
  const { settings, client } = await newBucket();
  const straight = createS3Storage(client, settings);
  const through = { ...settings, endpoint: proxy.url };
  const storage = createS3Storage(createS3Client(through, s3.secretAccessKey), through, {
    copyWholeBytes: 5 * MB,
  });
  const put = async (): Promise<void> => {
    await writeFile(join(base, 'up'), randomBytes(12 * MB));
    await straight.upload(join(base, 'up'), 'film/a.mp4');
  };
  await put();
  proxy.fault = async ({ url }) => {
    if (url.includes('partNumber=2')) await put();
    return undefined;
  };
  await expect(storage.copy('film/a.mp4', 'film/b.mp4')).rejects.toThrow(/PreconditionFailed/);
  expect(await straight.stat('film/b.mp4')).toBeUndefined();
});
