import { Readable } from 'node:stream';
import { paginateListObjectsV2, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { WorkError } from '../domain/failure.ts';
import type { S3Settings } from '../domain/storage-settings.ts';
import type { StorageDriver, StoredFile } from './driver.ts';
import { joinKey } from './paths.ts';
import { STAMP_KEY, stampAt } from './remote-file.ts';
import { calling, type S3Bucket } from './s3-calls.ts';
import { copyInS3 } from './s3-copy.ts';
import { deleteFromS3 } from './s3-delete.ts';
import { downloadFromS3, headOf, openRange } from './s3-download.ts';
import { abortOpenUploads } from './s3-open-uploads.ts';
import { uploadToS3 } from './s3-upload.ts';
import { s3Volume } from './volume.ts';

const fileOf = (
  key: string,
  found: {
    readonly size?: number | undefined;
    readonly modified?: Date | undefined;
    readonly etag?: string | undefined;
  },
): StoredFile => ({
  key,
  sizeBytes: found.size ?? 0,
  // listings tell milliseconds, headers whole seconds
  modifiedMs: Math.floor((found.modified?.getTime() ?? 0) / 1000) * 1000,
  ...(found.etag === undefined ? {} : { version: found.etag.replaceAll('"', '') }),
});

const abortedBy = (signal: AbortSignal | undefined) =>
  signal === undefined ? {} : { abortSignal: signal };

/** Objects of a bucket below a prefix. */
export function createS3Storage(
  client: S3Client,
  settings: S3Settings,
  options: { readonly copyWholeBytes?: number } = {},
): StorageDriver {
  const at: S3Bucket = { client, settings };
  const { bucket: Bucket, root } = settings;
  const full = (key: string): string => (key === '' ? root : joinKey(root, key));
  const prefixOf = (folder: string): string => (full(folder) === '' ? '' : `${full(folder)}/`);

  const list = async (folder: string, signal?: AbortSignal): Promise<readonly StoredFile[]> => {
    const Prefix = prefixOf(folder);
    const files: StoredFile[] = [];
    const pages = paginateListObjectsV2(
      { client },
      { Bucket, Prefix, Delimiter: '/' },
      abortedBy(signal),
    );
    for await (const { Contents = [] } of pages) {
      for (const { Key = '', Size, LastModified, ETag } of Contents) {
        const name = Key.slice(Prefix.length);
        if (name === '' || name.endsWith('/') || name.startsWith('.te-')) continue;
        files.push(
          fileOf(joinKey(folder, name), { size: Size, modified: LastModified, etag: ETag }),
        );
      }
    }
    return files.sort((one, other) => (one.key < other.key ? -1 : 1));
  };

  async function* listBelow(
    folder: string,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly StoredFile[]> {
    const Prefix = prefixOf(folder);
    const pages = paginateListObjectsV2({ client }, { Bucket, Prefix }, abortedBy(signal));
    for (;;) {
      const page = await calling(`listing ${folder}`, () => pages.next());
      if (page.done === true) return;
      yield (page.value.Contents ?? []).map(({ Key = '', Size, LastModified, ETag }) =>
        fileOf(`${folder}/${Key.slice(Prefix.length)}`, {
          size: Size,
          modified: LastModified,
          etag: ETag,
        }),
      );
    }
  }

  const stat: StorageDriver['stat'] = async (key, signal) => {
    const head = await headOf(at, full(key), signal);
    return (
      head &&
      fileOf(key, { size: head.ContentLength, modified: head.LastModified, etag: head.ETag })
    );
  };

  const read: StorageDriver['read'] = async (
    key,
    { startByte = 0, endByte, signal } = {},
  ): Promise<Readable> => {
    const head = await headOf(at, full(key), signal);
    if (head === undefined) throw new WorkError('InvalidInput', `${key} does not exist`);
    const end = Math.min(endByte ?? Number.POSITIVE_INFINITY, head.ContentLength ?? 0);
    if (end <= startByte) return Readable.from([]);
    return openRange(at, full(key), { startByte, endByte: end, version: head.ETag, signal });
  };

  const deleteKeys: StorageDriver['delete'] = (keys, signal) =>
    deleteFromS3(at, keys.map(full), signal);

  const copy = (fromKey: string, toKey: string): Promise<void> =>
    copyInS3(at, full(fromKey), full(toKey), options.copyWholeBytes);

  return {
    kind: 'S3',
    volume: s3Volume(settings),
    root,
    fullPath: full,
    list: (folder, signal) => calling(`listing ${folder}`, () => list(folder, signal)),
    listBelow,
    stat,
    read,
    download: async (key, path, transfer = {}) => {
      const head = await downloadFromS3(at, full(key), path, transfer);
      return fileOf(key, {
        size: head.ContentLength,
        modified: head.LastModified,
        etag: head.ETag,
      });
    },
    upload: async (path, key, transfer = {}) => ({
      key,
      sizeBytes: await uploadToS3(at, path, full(key), transfer),
    }),
    isUploaded: async (path, key) => {
      const head = await headOf(at, full(key));
      return head?.Metadata?.[STAMP_KEY] === (await stampAt(path));
    },
    copy,
    move: async (fromKey, toKey) => {
      await copy(fromKey, toKey);
      await deleteKeys([fromKey]);
    },
    delete: deleteKeys,
    dropOpenUploads: (keys, signal) => abortOpenUploads(at, keys.map(full), signal),
    probe: (signal) =>
      calling('listing', async () => {
        await client.send(
          new ListObjectsV2Command({ Bucket, Prefix: prefixOf(''), MaxKeys: 1 }),
          abortedBy(signal),
        );
      }),
  };
}
