import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FaultProxy, type ProxiedRequest } from '../../helpers/fault-proxy.ts';
import { between, createRandom } from '../../helpers/faults.ts';
import { openWire, REMOTE_KINDS, storeUrl, type Wire } from '../../helpers/wires.ts';

const MB = 1024 * 1024;

describe.each(REMOTE_KINDS)('%s over a bad wire', (kind) => {
  let base: string;
  let proxy: FaultProxy;
  let wire: Wire;
  let content: Buffer;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'task-engine-faults-'));
    proxy = await new FaultProxy(storeUrl(kind)).start();
    wire = await openWire(kind, proxy.url);
    content = randomBytes(20 * MB);
    await writeFile(join(base, 'up'), content);
    await wire.straight.upload(join(base, 'up'), 'film/a.mp4');
  });

  afterEach(async () => {
    await proxy.close();
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
    proxy.fault = (request) =>
      isHit(request) ? { kind: 'cut', afterBytes: between(random, 0, 4 * MB) } : undefined;
    expect(await download()).toBe(true);
    expect(proxy.requests.filter((one) => one.method === 'GET').length).toBeGreaterThan(4);
  });

  test('a download whose every answer is cut ends all the same, as each has brought more of it', async () => {
    proxy.fault = ({ method }) =>
      method === 'GET' ? { kind: 'cut', afterBytes: 2 * MB } : undefined;
    expect(await download()).toBe(true);
    expect(proxy.requests.filter((one) => one.method === 'GET').length).toBeGreaterThan(9);
  });

  test('bursts of 503 and resets are waited out, both ways, and leave no open upload', async () => {
    const random = createRandom(11);
    proxy.fault = ({ number }) => {
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
    proxy.fault = ({ method, url }) => {
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
    proxy.fault = ({ method, url }) => {
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
      proxy.fault = ({ method }) => (method === 'GET' ? { kind: 'short', byBytes } : undefined);
      await expect(download()).rejects.toMatchObject({
        type: 'StorageFailed',
        message: expect.stringMatching(
          /^The storage answered with \d+ bytes of .* were asked for$/,
        ),
      });
      await expect(stat(join(base, 'down'))).rejects.toThrow('ENOENT');
    },
  );

  test('a byte that changes on the way down fails the fetch', async () => {
    const isHit = nth('GET', 1);
    proxy.fault = (request) => (isHit(request) ? { kind: 'flip' } : undefined);
    await expect(download()).rejects.toMatchObject({
      type: 'StorageFailed',
      message: expect.stringContaining('another checksum'),
    });
    await expect(stat(join(base, 'down'))).rejects.toThrow('ENOENT');
  });

  test('an object replaced between its first question and its bytes fails the fetch', async () => {
    await writeFile(join(base, 'other'), randomBytes(20 * MB));
    proxy.fault = async ({ method }) => {
      if (method === 'GET') await wire.straight.upload(join(base, 'other'), 'film/a.mp4');
      return undefined;
    };
    await expect(download()).rejects.toMatchObject({ type: 'StorageFailed' });
    await expect(stat(join(base, 'down'))).rejects.toThrow('ENOENT');
  });

  test('a store that is not there is told so, and what was begun is taken back when it returns', async () => {
    proxy.fault = ({ method, url }) =>
      method === 'PUT' && /partNumber=2|comp=block&/.test(url) ? { kind: 'reset' } : undefined;
    await expect(wire.driver.upload(join(base, 'up'), 'film/b.mp4')).rejects.toMatchObject({
      type: 'StorageFailed',
      message: expect.stringMatching(/^The storage cannot be reached for writing/),
    });
    expect(await wire.straight.stat('film/b.mp4')).toBeUndefined();
    expect(await wire.openUploads()).toBe(0);
  });
});
