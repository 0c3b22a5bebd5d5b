import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createAzureStorage } from '../../../src/storage/azure-blob.ts';
import { createAzureClient } from '../../../src/storage/azure-client.ts';
import { FaultProxy } from '../../helpers/fault-proxy.ts';
import { newContainer } from '../../helpers/storages.ts';
import { openWire, REMOTE_KINDS, storeUrl, type Wire } from '../../helpers/wires.ts';

const MB = 1024 * 1024;

let base: string;
let proxy: FaultProxy;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'task-engine-silence-'));
});

afterEach(async () => {
  await proxy.close();
  await rm(base, { recursive: true, force: true });
});

describe.each(REMOTE_KINDS)('%s that does not answer', (kind) => {
  let wire: Wire;

  beforeEach(async () => {
    proxy = await new FaultProxy(storeUrl(kind)).start();
    wire = await openWire(kind, proxy.url);
  });

  /** How long work takes to end once it is called off, milliseconds. */
  const endAfterAbort = async (
    stop: AbortController,
    work: Promise<unknown>,
    waitMs: number,
  ): Promise<number> => {
    let abortedMs = Number.NaN;
    const timer = setTimeout(() => {
      abortedMs = performance.now();
      stop.abort(new Error('cancelled'));
    }, waitMs);
    await expect(work).rejects.toThrow(/cancelled|abort/i);
    clearTimeout(timer);
    return performance.now() - abortedMs;
  };

  test('does not hold up an upload that is called off for more than five seconds', async () => {
    await writeFile(join(base, 'up'), randomBytes(20 * MB));
    const stop = new AbortController();
    proxy.fault = ({ method, url }) =>
      stop.signal.aborted || (method === 'PUT' && /partNumber=3|comp=block&/.test(url))
        ? { kind: 'hang' }
        : undefined;
    const uploading = wire.driver.upload(join(base, 'up'), 'film/a.mp4', { signal: stop.signal });
    expect(await endAfterAbort(stop, uploading, 1500)).toBeLessThan(5000);
  });

  test('does not hold up an upload that is called off before its first byte', async () => {
    await writeFile(join(base, 'up'), randomBytes(20 * MB));
    const stop = new AbortController();
    proxy.fault = () => ({ kind: 'hang' });
    const uploading = wire.driver.upload(join(base, 'up'), 'film/a.mp4', { signal: stop.signal });
    expect(await endAfterAbort(stop, uploading, 300)).toBeLessThan(5000);
  });

  test('does not hold up a listing that is called off', async () => {
    proxy.fault = () => ({ kind: 'hang' });
    for (const work of [
      (signal: AbortSignal) => wire.driver.list('film', signal),
      (signal: AbortSignal) => wire.driver.listBelow('film', signal)[Symbol.asyncIterator]().next(),
      (signal: AbortSignal) => wire.driver.stat('film/a.mp4', signal),
    ]) {
      const stop = new AbortController();
      expect(await endAfterAbort(stop, work(stop.signal), 300)).toBeLessThan(1000);
    }
  });

  test('keeps no other request waiting, however many there are', async () => {
    const gate = Promise.withResolvers<void>();
    proxy.fault = async ({ url }) => {
      if (url.includes('slow')) await gate.promise;
      return undefined;
    };
    const slow = Array.from({ length: 64 }, (_, n) => wire.driver.stat(`film/slow-${n}`));
    const start = performance.now();
    expect(await wire.driver.stat('film/quick')).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(5000);
    gate.resolve();
    await Promise.all(slow);
  });
});

describe('Azure, for which the SDK waits for ever,', () => {
  const open = async () => {
    proxy = await new FaultProxy(storeUrl('azure_blob')).start();
    const { settings } = await newContainer();
    const connection = inject('stores').azure.connectionString;
    const through = connection.replace(storeUrl('azure_blob'), proxy.url);
    const options = { silenceMs: 500 };
    return createAzureStorage(createAzureClient(settings, through, 500), settings, options);
  };

  test('is asked again where it does not answer, and given up in the end', async () => {
    const storage = await open();
    proxy.fault = () => ({ kind: 'hang' });
    await expect(storage.list('film')).rejects.toMatchObject({
      type: 'StorageFailed',
      message: 'The storage cannot be reached for listing film (ETIMEDOUT)',
    });
    expect(proxy.requests).toHaveLength(3);
    proxy.fault = ({ number }) => (number <= 4 ? { kind: 'hang' } : undefined);
    expect(await storage.list('film')).toEqual([]);
  });

  test('breaks off the reading of bytes that do not come', async () => {
    const storage = await open();
    await writeFile(join(base, 'up'), randomBytes(1 * MB));
    await storage.upload(join(base, 'up'), 'film/a.mp4');
    proxy.fault = ({ method }) =>
      method === 'GET' ? { kind: 'stall', afterBytes: 1000 } : undefined;
    await expect(buffer(await storage.read('film/a.mp4'))).rejects.toThrow('fell silent');
  });

  test.each([408, 429, 502, 504])('is asked again where a gateway answers %d', async (status) => {
    const storage = await open();
    proxy.fault = ({ number }) =>
      number <= 2 ? { kind: 'instead', status, body: '<html><hr>Bad Gateway</html>' } : undefined;
    await writeFile(join(base, 'up'), 'content');
    await storage.upload(join(base, 'up'), 'film/a.mp4');
    expect(await storage.stat('film/a.mp4')).toMatchObject({ sizeBytes: 7 });
  });
});
