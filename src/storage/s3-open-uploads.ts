import { setTimeout as delay } from 'node:timers/promises';
import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { WorkError } from '../domain/failure.ts';
import { folderOf } from './paths.ts';
import { calling, type S3Bucket } from './s3-calls.ts';

/** Before each call that removes an upload. */
const ABORT_WAITS_MS = [0, 300, 700];

/** The longest that removing one upload may take: a job that is cancelled waits for it. What stays is removed later. */
const MOST_ABORT_MS = 4_000;

/** Listings after which an upload that will not go is a failure. */
const MOST_ROUNDS = 3;

/** A multipart upload that was begun and neither completed nor removed. */
interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
}

/**
 * Removes an upload that is not to be. Parts under way may still arrive after the first call, and make
 * some servers list the upload again, so the call is repeated. Never throws: the reason for
 * aborting is the one to tell. Ends within 4 s, also where nothing answers.
 */
export async function abortUpload(
  { client, settings }: S3Bucket,
  key: string,
  uploadId: string,
): Promise<void> {
  const upload = { Bucket: settings.bucket, Key: key, UploadId: uploadId };
  const abortSignal = AbortSignal.timeout(MOST_ABORT_MS);
  for (const waitMs of ABORT_WAITS_MS) {
    if (abortSignal.aborted) return;
    await delay(waitMs);
    // refused, or gone already: the last call counts
    await client
      .send(new AbortMultipartUploadCommand(upload), { abortSignal })
      .catch(() => undefined);
  }
}

/**
 * Removes what a killed attempt has left of the same key, which only one job writes at a time. One that
 * is still at it, on a worker that was cut off, finds its upload gone and fails.
 */
export async function abortEarlier(at: S3Bucket, key: string, signal?: AbortSignal): Promise<void> {
  try {
    const earlier = await listOpen(at, key, new Set([key]), signal);
    await Promise.all(earlier.map(({ uploadId }) => abortUpload(at, key, uploadId)));
  } catch {
    // credentials may write and not list uploads
  }
  signal?.throwIfAborted();
}

/**
 * Removes the open uploads of keys, and looks again whether they are gone: parts that were under way may
 * bring one back. Throws a WorkError `StorageFailed` where one stays, or they cannot be listed.
 */
export async function abortOpenUploads(
  at: S3Bucket,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [folder, inside] of Map.groupBy(keys, folderOf)) {
    const wanted = new Set(inside);
    for (let round = 1; ; round++) {
      const open = await listOpen(at, folder === '' ? '' : `${folder}/`, wanted, signal);
      if (open.length === 0) break;
      if (round > MOST_ROUNDS) {
        throw new WorkError(
          'StorageFailed',
          `${open.length} multipart uploads in ${folder} are still there after they were removed`,
        );
      }
      await Promise.all(open.map(({ key, uploadId }) => abortUpload(at, key, uploadId)));
      signal?.throwIfAborted();
    }
  }
}

async function listOpen(
  { client, settings }: S3Bucket,
  prefix: string,
  keys: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<readonly OpenUpload[]> {
  const open: OpenUpload[] = [];
  let from: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } = {};
  for (;;) {
    const page = await calling(`listing uploads below ${prefix}`, () =>
      client.send(
        new ListMultipartUploadsCommand({ Bucket: settings.bucket, Prefix: prefix, ...from }),
        signal === undefined ? {} : { abortSignal: signal },
      ),
    );
    for (const { Key: key = '', UploadId: uploadId = '' } of page.Uploads ?? []) {
      if (keys.has(key)) open.push({ key, uploadId });
    }
    const { NextKeyMarker, NextUploadIdMarker } = page;
    if (page.IsTruncated !== true || NextKeyMarker === undefined) return open;
    from = {
      KeyMarker: NextKeyMarker,
      ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
    };
  }
}
