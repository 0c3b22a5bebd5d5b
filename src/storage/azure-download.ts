import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import { WorkError } from '../domain/failure.ts';
import { calling, isMissing, toAzureFailure } from './azure-client.ts';
import type { DownloadOptions } from './driver.ts';
import { fetchRanges } from './fetch-ranges.ts';
import { fillFile } from './fill-file.ts';
import { RANGE_BYTES } from './range-journal.ts';
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
 * Copies a blob to a local file and returns what it was. Every range must be of the same version
 * (`If-Match`) and as long as asked for; where Azure knows the MD5 of the whole, so must the file.
 */
export async function downloadFromAzure(
  container: ContainerClient,
  key: string,
  path: string,
  options: DownloadOptions,
): Promise<BlobGetPropertiesResponse> {
  const found = await propertiesOf(container, key, options.signal);
  if (found === undefined) throw new WorkError('InvalidInput', `${key} does not exist`);
  const sizeBytes = found.contentLength ?? 0;
  const identity = found.etag && `${volumeOfUrl(container.url)}/${key} ${sizeBytes} ${found.etag}`;
  await fillFile(path, { key, sizeBytes, identity }, options, async ({ file, journal, signal }) => {
    await fetchRanges({
      file,
      doing: `fetching ${key}`,
      journal,
      sizeBytes,
      signal,
      isTransient,
      onProgress: options.onProgress,
      open: (startByte, endByte, rangeSignal) =>
        openRange(container, key, { startByte, endByte, version: found.etag, signal: rangeSignal }),
    });
    if (found.contentMD5 !== undefined) await checkMd5(path, key, found.contentMD5, signal);
    // all ranges may be under way already when the blob is replaced
    const after = sizeBytes <= RANGE_BYTES ? found : await propertiesOf(container, key, signal);
    if (after?.etag !== found.etag) throw changedWhileFetched(key);
  });
  return found;
}

async function checkMd5(
  path: string,
  key: string,
  expected: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('md5');
  await pipeline(createReadStream(path), hash, { signal });
  if (Buffer.from(expected).equals(hash.read() as Buffer)) return;
  throw new WorkError('StorageFailed', `${key} arrived with another checksum than it has`);
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
