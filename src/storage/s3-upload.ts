import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
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
import { abortEarlier, abortUpload } from './s3-open-uploads.ts';
import { partBytesOf, readFully, sendParts } from './send-parts.ts';

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
      discard: () => abortUpload(at, key, sent.uploadId),
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
  await abortEarlier(at, key, signal);
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
    await abortUpload(at, key, uploadId);
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
