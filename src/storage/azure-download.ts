import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import { WorkError } from '../domain/failure.ts';
import { chunksOf } from './body-chunks.ts';
import { calling, isMissing, toAzureFailure } from './azure-client.ts';
import { downloadRemote, type RemoteSource } from './download-remote.ts';
import type { DownloadOptions } from './driver.ts';
import { changedWhileFetched, isTransient, RemoteError, wrongLength } from './remote-failure.ts';
import { volumeOfUrl } from './volume.ts';

/** What Azure tells of a blob without its bytes; undefined where there is none. */
export async function propertiesOf(
  container: ContainerClient,
  key: string,
  signal?: AbortSignal,
): Promise<BlobGetPropertiesResponse | undefined> {
  try {
    return await container
      .getBlobClient(key)
      .getProperties(signal === undefined ? {} : { abortSignal: signal });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toAzureFailure(error, `reading ${key}`);
  }
}

/**
 * Copies a blob to a local file, as {@link downloadRemote} does, and returns what it was. Its checksum is the MD5
 * of the whole, where Azure knows it.
 */
export async function downloadFromAzure(
  container: ContainerClient,
  key: string,
  path: string,
  options: DownloadOptions,
): Promise<BlobGetPropertiesResponse> {
  const found = await propertiesOf(container, key, options.signal);
  if (found === undefined) throw new WorkError('InvalidInput', `${key} does not exist`);
  const { contentMD5, etag: version } = found;
  const source: RemoteSource = {
    key,
    volume: volumeOfUrl(container.url),
    sizeBytes: found.contentLength ?? 0,
    version,
    open: (startByte, endByte, signal) =>
      openRange(container, key, { startByte, endByte, version, signal }),
    hasItsChecksum: (_crc, signal) => contentMD5 === undefined || hasMd5(path, contentMD5, signal),
    currentVersion: async (signal) => (await propertiesOf(container, key, signal))?.etag,
  };
  await downloadRemote(source, path, options);
  return found;
}

async function hasMd5(path: string, expected: Uint8Array, signal: AbortSignal): Promise<boolean> {
  const hash = createHash('md5');
  await pipeline(createReadStream(path), hash, { signal });
  return Buffer.from(expected).equals(hash.read() as Buffer);
}

/** Bytes of a blob as they come. Throws where the answer is of another version or length. */
export async function openRange(
  container: ContainerClient,
  key: string,
  range: {
    readonly startByte: number;
    readonly endByte: number;
    readonly version?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Readable> {
  const { startByte, endByte, version, signal } = range;
  const askedBytes = endByte - startByte;
  try {
    const answer = await calling(`fetching ${key}`, () =>
      container.getBlobClient(key).download(startByte, askedBytes, {
        // a body that breaks off is asked for again by the caller, who knows what has arrived
        maxRetryRequests: 0,
        ...(version === undefined ? {} : { conditions: { ifMatch: version } }),
        ...(signal === undefined ? {} : { abortSignal: signal }),
      }),
    );
    const body = answer.readableStreamBody as Readable | undefined;
    const isSame = version === undefined || answer.etag === undefined || answer.etag === version;
    if (isSame && answer.contentLength === askedBytes) return body ?? Readable.from([]);
    body?.destroy();
    throw isSame ? wrongLength(key, askedBytes, answer.contentLength) : changedWhileFetched(key);
  } catch (error) {
    const { code, status } =
      error instanceof RemoteError ? error.fault : { code: undefined, status: undefined };
    // what the SDK throws of an answer without a length
    if (code === 'RangeError') throw wrongLength(key, askedBytes);
    if (status === 404 || status === 412 || status === 416) throw changedWhileFetched(key);
    throw error;
  }
}

/** Tries of a range that is read into memory. */
const MOST_TRIES = 6;
const FIRST_WAIT_MS = 200;

/** A short range of a blob, in memory; asked for again where it breaks off. */
export async function readRange(
  container: ContainerClient,
  key: string,
  range: {
    readonly startByte: number;
    readonly endByte: number;
    readonly version?: string | undefined;
  },
): Promise<Buffer> {
  const { startByte, endByte } = range;
  if (endByte === startByte) return Buffer.alloc(0);
  for (let tries = 1; ; tries++) {
    try {
      const body = await openRange(container, key, range);
      return await buffer(chunksOf(body, undefined));
    } catch (error) {
      if (tries === MOST_TRIES || !isTransient(error)) throw error;
      await delay(FIRST_WAIT_MS * 2 ** (tries - 1));
    }
  }
}
