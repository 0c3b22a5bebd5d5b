import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { WorkError } from '../domain/failure.ts';
import { toBase64 } from './crc32.ts';
import type { UploadOptions } from './driver.ts';
import {
  commitSignal,
  type SentFile,
  sendFile,
  type SourceFile,
  STAMP_KEY,
} from './remote-file.ts';
import { calling, headersOf, type S3Bucket } from './s3-calls.ts';
import { isMissing, toS3Failure } from './s3-client.ts';
import { partBytesOf, readFully, sendParts } from './send-parts.ts';

/** Before each call that removes an upload. */
const ABORT_WAITS_MS = [0, 300, 700];

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('base64');

/**
 * Writes a local file as an object and returns its length. A large one goes up in parts and appears
 * with the last call; where it fails, its parts are removed. S3 checks each part, and the whole, against
 * checksums made here.
 */
export function uploadToS3(
  at: S3Bucket,
  path: string,
  key: string,
  options: UploadOptions,
): Promise<number> {
  const { settings } = at;
  const target = { Bucket: settings.bucket, Key: key };
  const doing = `writing ${key}`;
  const signal = options.signal ?? new AbortController().signal;
  const headers = (stamp: string) =>
    headersOf(settings, { key, stamp, isFixedName: options.isFixedName === true });

  const readWhole = async ({ file, sizeBytes, stamp }: SourceFile): Promise<SentFile> => {
    const bytes = Buffer.alloc(sizeBytes);
    await readFully(file, bytes, 0);
    const command = new PutObjectCommand({
      ...target,
      ...headers(stamp),
      Body: bytes,
      ContentLength: sizeBytes,
      ...(settings.hasChecksums
        ? { ChecksumCRC32: toBase64(crc32(bytes)) }
        : { ContentMD5: md5(bytes) }),
    });
    return {
      commit: async () => {
        await calling(doing, () =>
          at.client.send(command, { abortSignal: commitSignal(sizeBytes, signal) }),
        );
        options.onProgress?.(sizeBytes);
      },
      discard: () => Promise.resolve(),
    };
  };

  const sendInParts = async (source: SourceFile): Promise<SentFile> => {
    const job = { key, source, headers: headers(source.stamp), signal, options };
    const sent = await sendMultipart(at, job);
    return {
      commit: () => complete(at, sent),
      discard: () => abort(at, key, sent.uploadId),
    };
  };

  return sendFile(path, key, signal, (source) =>
    source.sizeBytes <= partBytesOf(source.sizeBytes) ? readWhole(source) : sendInParts(source),
  );
}

/** An upload all of whose parts are there. */
interface Multipart {
  readonly key: string;
  readonly uploadId: string;
  readonly parts: readonly CompletedPart[];
  readonly checksum: string;
  readonly stamp: string;
  readonly sizeBytes: number;
}

async function sendMultipart(
  at: S3Bucket,
  job: {
    readonly key: string;
    readonly source: SourceFile;
    readonly headers: ReturnType<typeof headersOf>;
    readonly signal: AbortSignal;
    readonly options: UploadOptions;
  },
): Promise<Multipart> {
  const { key, source, signal } = job;
  const { bucket, hasChecksums } = at.settings;
  const target = { Bucket: bucket, Key: key };
  await abortEarlier(at, key);
  const { UploadId: uploadId = '' } = await calling(`writing ${key}`, () =>
    at.client.send(
      new CreateMultipartUploadCommand({
        ...target,
        ...job.headers,
        ...(hasChecksums ? { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } : {}),
      }),
      { abortSignal: signal },
    ),
  );
  const parts: CompletedPart[] = [];
  let checksum = 0;
  try {
    await sendParts({
      file: source.file,
      sizeBytes: source.sizeBytes,
      signal,
      onProgress: job.options.onProgress,
      onRead: (bytes) => {
        checksum = crc32(bytes, checksum);
      },
      send: async ({ number, bytes }, partSignal) => {
        const crc = toBase64(crc32(bytes));
        const sent = await calling(`writing ${key}`, () =>
          at.client.send(
            new UploadPartCommand({
              ...target,
              UploadId: uploadId,
              PartNumber: number,
              Body: bytes,
              ContentLength: bytes.length,
              ...(hasChecksums ? { ChecksumCRC32: crc } : { ContentMD5: md5(bytes) }),
            }),
            { abortSignal: partSignal },
          ),
        );
        parts[number - 1] = {
          PartNumber: number,
          ETag: sent.ETag,
          ...(hasChecksums ? { ChecksumCRC32: crc } : {}),
        };
      },
    });
  } catch (error) {
    await abort(at, key, uploadId);
    throw error;
  }
  const { stamp, sizeBytes } = source;
  return { key, uploadId, parts, checksum: toBase64(checksum), stamp, sizeBytes };
}

async function complete(at: S3Bucket, sent: Multipart): Promise<void> {
  const { key, uploadId } = sent;
  const target = { Bucket: at.settings.bucket, Key: key };
  try {
    await at.client
      .send(
        new CompleteMultipartUploadCommand({
          ...target,
          UploadId: uploadId,
          MultipartUpload: { Parts: [...sent.parts] },
          ...(at.settings.hasChecksums
            ? { ChecksumCRC32: sent.checksum, ChecksumType: 'FULL_OBJECT' }
            : {}),
        }),
      )
      // an answer that was lost on its way: the second try finds the upload gone and the object there
      .catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    const there = await at.client.send(new HeadObjectCommand(target));
    if (there.ContentLength === sent.sizeBytes && there.Metadata?.[STAMP_KEY] === sent.stamp)
      return;
    throw new WorkError(
      'StorageFailed',
      `${key} has ${there.ContentLength ?? 0} bytes after it was written with ${sent.sizeBytes}`,
    );
  } catch (error) {
    throw toS3Failure(error, `writing ${key}`);
  }
}

/**
 * Removes an upload that is not to be. Parts under way may still arrive after the first call, and make
 * some servers list the upload again, so the call is repeated. Never throws: the reason for
 * aborting is the one to tell.
 */
async function abort({ client, settings }: S3Bucket, key: string, uploadId: string): Promise<void> {
  const upload = { Bucket: settings.bucket, Key: key, UploadId: uploadId };
  for (const waitMs of ABORT_WAITS_MS) {
    await delay(waitMs);
    // refused, or gone already: the last call counts
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
  }
}

/**
 * Removes what a killed attempt has left of the same key, which only one job writes. One that is still
 * at it, on a worker that was cut off, finds its upload gone and fails.
 */
async function abortEarlier(at: S3Bucket, key: string): Promise<void> {
  try {
    const { Uploads: uploads = [] } = await at.client.send(
      new ListMultipartUploadsCommand({ Bucket: at.settings.bucket, Prefix: key }),
    );
    const earlier = uploads.filter((one) => one.Key === key);
    await Promise.all(earlier.map(({ UploadId = '' }) => abort(at, key, UploadId)));
  } catch {
    // credentials may write and not list uploads; the bucket's lifecycle rule removes them then
  }
}
