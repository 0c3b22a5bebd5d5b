import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  type HeadObjectCommandOutput,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { WorkError } from '../domain/failure.ts';
import { calling, keepingOf, type S3Bucket } from './s3-calls.ts';
import { headOf } from './s3-download.ts';
import { abortEarlier } from './s3-open-uploads.ts';
import { partBytesOf } from './send-parts.ts';

/** Longer objects are copied in parts: one call takes 5 GB at most, and says nothing while it works. */
const WHOLE_BYTES = 512 * 1024 * 1024;

/**
 * Copies an object inside its bucket, with its headers and metadata; it appears whole. Throws
 * a WorkError `StorageFailed` where there is none, or the copy has another length.
 */
export async function copyInS3(
  at: S3Bucket,
  fromKey: string,
  toKey: string,
  wholeBytes = WHOLE_BYTES,
): Promise<void> {
  const head = await headOf(at, fromKey);
  if (head === undefined) {
    throw new WorkError('StorageFailed', `${fromKey} does not exist any more`);
  }
  const sizeBytes = head.ContentLength ?? 0;
  await calling(`renaming ${fromKey}`, () =>
    sizeBytes <= wholeBytes
      ? copyWhole(at, fromKey, toKey)
      : copyInParts(at, fromKey, toKey, {
          head,
          sizeBytes,
          partBytes: partBytesOf(sizeBytes, wholeBytes),
        }),
  );
  const copied = await headOf(at, toKey);
  if (copied?.ContentLength === sizeBytes) return;
  throw new WorkError('StorageFailed', `${toKey} was not copied whole`);
}

const sourceOf = (bucket: string, key: string): string =>
  `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;

async function copyWhole(
  { client, settings }: S3Bucket,
  fromKey: string,
  toKey: string,
): Promise<void> {
  await client.send(
    new CopyObjectCommand({
      Bucket: settings.bucket,
      Key: toKey,
      CopySource: sourceOf(settings.bucket, fromKey),
      ...keepingOf(settings),
    }),
  );
}

async function copyInParts(
  at: S3Bucket,
  fromKey: string,
  toKey: string,
  source: {
    readonly head: HeadObjectCommandOutput;
    readonly sizeBytes: number;
    readonly partBytes: number;
  },
): Promise<void> {
  const { client, settings } = at;
  const { head, sizeBytes, partBytes } = source;
  const target = { Bucket: settings.bucket, Key: toKey };
  await abortEarlier(at, toKey);
  const { UploadId: uploadId } = await client.send(
    new CreateMultipartUploadCommand({
      ...target,
      ContentType: head.ContentType,
      CacheControl: head.CacheControl,
      ContentDisposition: head.ContentDisposition,
      ContentEncoding: head.ContentEncoding,
      ContentLanguage: head.ContentLanguage,
      Metadata: head.Metadata,
      ...keepingOf(settings),
    }),
  );
  try {
    const parts: CompletedPart[] = [];
    for (let start = 0; start < sizeBytes; start += partBytes) {
      const number = parts.length + 1;
      const { CopyPartResult: part } = await client.send(
        new UploadPartCopyCommand({
          ...target,
          UploadId: uploadId,
          PartNumber: number,
          CopySource: sourceOf(settings.bucket, fromKey),
          CopySourceIfMatch: head.ETag,
          CopySourceRange: `bytes=${start}-${Math.min(sizeBytes, start + partBytes) - 1}`,
        }),
      );
      parts.push({ PartNumber: number, ETag: part?.ETag });
    }
    await client.send(
      new CompleteMultipartUploadCommand({
        ...target,
        UploadId: uploadId,
        MultipartUpload: { Parts: parts },
      }),
    );
  } catch (error) {
    await client
      .send(new AbortMultipartUploadCommand({ ...target, UploadId: uploadId }))
      .catch(() => undefined);
    throw error;
  }
}
