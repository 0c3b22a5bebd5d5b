import type { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { WorkError } from '../domain/failure.ts';
import { toBase64 } from './crc32.ts';
import { downloadRemote, type RemoteSource } from './download-remote.ts';
import type { DownloadOptions } from './driver.ts';
import { changedWhileFetched, RemoteError, wrongLength } from './remote-failure.ts';
import { calling, type S3Bucket } from './s3-calls.ts';
import { isMissing, toS3Failure } from './s3-client.ts';
import { s3Volume } from './volume.ts';

/** What S3 tells of an object without its bytes; undefined where there is none. */
export async function headOf(
  { client, settings }: S3Bucket,
  key: string,
  signal?: AbortSignal,
): Promise<HeadObjectCommandOutput | undefined> {
  try {
    return await client.send(
      new HeadObjectCommand({
        Bucket: settings.bucket,
        Key: key,
        ...(settings.hasChecksums ? { ChecksumMode: 'ENABLED' } : {}),
      }),
      signal === undefined ? {} : { abortSignal: signal },
    );
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw toS3Failure(error, `reading ${key}`);
  }
}

/**
 * Copies an object to a local file, as {@link downloadRemote} does, and returns what it was. Its checksum is the
 * CRC-32 of the whole, where S3 knows it.
 */
export async function downloadFromS3(
  at: S3Bucket,
  key: string,
  path: string,
  options: DownloadOptions,
): Promise<HeadObjectCommandOutput> {
  const head = await headOf(at, key, options.signal);
  if (head === undefined) throw new WorkError('InvalidInput', `${key} does not exist`);
  const { ChecksumCRC32, ChecksumType, ETag: version } = head;
  const wholeCrc = ChecksumType === 'FULL_OBJECT' ? ChecksumCRC32 : undefined;
  const source: RemoteSource = {
    key,
    volume: s3Volume(at.settings),
    sizeBytes: head.ContentLength ?? 0,
    version,
    open: (startByte, endByte, signal) =>
      openRange(at, key, { startByte, endByte, version, signal }),
    hasItsChecksum: (crc) => wholeCrc === undefined || toBase64(crc) === wholeCrc,
    currentVersion: async (signal) => (await headOf(at, key, signal))?.ETag,
  };
  await downloadRemote(source, path, options);
  return head;
}

/** Bytes of an object as they come. Throws where the answer is of another version or length. */
export async function openRange(
  { client, settings }: S3Bucket,
  key: string,
  range: {
    readonly startByte: number;
    readonly endByte: number;
    readonly version?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Readable> {
  const { startByte, endByte, version, signal } = range;
  try {
    const answer = await calling(`fetching ${key}`, () =>
      client.send(
        new GetObjectCommand({
          Bucket: settings.bucket,
          Key: key,
          Range: `bytes=${startByte}-${endByte - 1}`,
          ...(version === undefined ? {} : { IfMatch: version }),
        }),
        signal === undefined ? {} : { abortSignal: signal },
      ),
    );
    const body = answer.Body as Readable;
    const isSame = version === undefined || answer.ETag === undefined || answer.ETag === version;
    const askedBytes = endByte - startByte;
    if (isSame && answer.ContentLength === askedBytes) return body;
    body.destroy();
    throw isSame ? wrongLength(key, askedBytes, answer.ContentLength) : changedWhileFetched(key);
  } catch (error) {
    const status = error instanceof RemoteError ? error.fault.status : undefined;
    if (status === 404 || status === 412 || status === 416) throw changedWhileFetched(key);
    throw error;
  }
}
