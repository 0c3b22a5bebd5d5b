import { Readable } from 'node:stream';
import type { ContainerClient } from '@azure/storage-blob';
import { WorkError } from '../domain/failure.ts';
import type { AzureSettings } from '../domain/storage-settings.ts';
import { calling } from './azure-client.ts';
import { chunksOf } from './body-chunks.ts';
import { copyInAzure } from './azure-copy.ts';
import { downloadFromAzure, openRange, propertiesOf } from './azure-download.ts';
import { dropUncommitted } from './azure-open-uploads.ts';
import { uploadToAzure } from './azure-upload.ts';
import type { StorageDriver, StoredFile } from './driver.ts';
import { joinKey } from './paths.ts';
import { STAMP_KEY, stampAt } from './remote-file.ts';
import { volumeOfUrl } from './volume.ts';

const PARALLEL_DELETES = 8;

const fileOf = (
  key: string,
  found: {
    readonly contentLength?: number | undefined;
    readonly lastModified?: Date | undefined;
    readonly etag?: string | undefined;
  },
): StoredFile => ({
  key,
  sizeBytes: found.contentLength ?? 0,
  modifiedMs: Math.floor((found.lastModified?.getTime() ?? 0) / 1000) * 1000,
  // listings leave the quotes out
  ...(found.etag === undefined ? {} : { version: found.etag.replaceAll('"', '') }),
});

const abortedBy = (signal: AbortSignal | undefined) =>
  signal === undefined ? {} : { abortSignal: signal };

/** Blobs of a container below a prefix. */
export function createAzureStorage(
  container: ContainerClient,
  settings: AzureSettings,
  options: { readonly copyWholeBytes?: number; readonly silenceMs?: number } = {},
): StorageDriver {
  const { root } = settings;
  const full = (key: string): string => (key === '' ? root : joinKey(root, key));
  const prefixOf = (folder: string): string => (full(folder) === '' ? '' : `${full(folder)}/`);

  const list = async (folder: string, signal?: AbortSignal): Promise<readonly StoredFile[]> => {
    const prefix = prefixOf(folder);
    const files: StoredFile[] = [];
    const items = container.listBlobsByHierarchy('/', { prefix, ...abortedBy(signal) });
    for await (const item of items) {
      const name = item.name.slice(prefix.length);
      if (item.kind === 'prefix' || name === '' || name.startsWith('.te-')) continue;
      files.push(fileOf(joinKey(folder, name), item.properties));
    }
    return files.sort((one, other) => (one.key < other.key ? -1 : 1));
  };

  async function* listBelow(
    folder: string,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly StoredFile[]> {
    const prefix = prefixOf(folder);
    const pages = container.listBlobsFlat({ prefix, ...abortedBy(signal) }).byPage();
    for (;;) {
      const page = await calling(`listing ${folder}`, () => pages.next());
      if (page.done === true) return;
      yield page.value.segment.blobItems.map((item) =>
        fileOf(`${folder}/${item.name.slice(prefix.length)}`, item.properties),
      );
    }
  }

  const read: StorageDriver['read'] = async (key, { startByte = 0, endByte, signal } = {}) => {
    const found = await propertiesOf(container, full(key), signal);
    if (found === undefined) throw new WorkError('InvalidInput', `${key} does not exist`);
    const end = Math.min(endByte ?? Number.POSITIVE_INFINITY, found.contentLength ?? 0);
    if (end <= startByte) return Readable.from([]);
    const range = { startByte, endByte: end, version: found.etag, signal };
    const body = await openRange(container, full(key), range);
    return Readable.from(chunksOf(body, signal, options.silenceMs), { objectMode: false });
  };

  const deleteKeys: StorageDriver['delete'] = async (keys, signal) => {
    const queue = keys.values();
    const run = async (): Promise<void> => {
      for (const key of queue) {
        await calling(`deleting ${key}`, () =>
          container.getBlobClient(full(key)).deleteIfExists({
            deleteSnapshots: 'include',
            ...abortedBy(signal),
          }),
        );
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_DELETES, keys.length) }, run));
  };

  const copy = (fromKey: string, toKey: string): Promise<void> =>
    copyInAzure(container, settings, full(fromKey), full(toKey), options.copyWholeBytes);

  return {
    kind: 'azure_blob',
    volume: volumeOfUrl(container.url),
    root,
    fullPath: full,
    list: (folder, signal) => calling(`listing ${folder}`, () => list(folder, signal)),
    listBelow,
    stat: async (key, signal) => {
      const found = await propertiesOf(container, full(key), signal);
      return found && fileOf(key, found);
    },
    read,
    download: async (key, path, transfer = {}) =>
      fileOf(key, await downloadFromAzure(container, full(key), path, transfer)),
    upload: async (path, key, transfer = {}) => ({
      key,
      sizeBytes: await uploadToAzure(container, settings, path, full(key), transfer),
    }),
    isUploaded: async (path, key) => {
      const found = await propertiesOf(container, full(key));
      return found?.metadata?.[STAMP_KEY] === (await stampAt(path));
    },
    copy,
    move: async (fromKey, toKey) => {
      await copy(fromKey, toKey);
      await deleteKeys([fromKey]);
    },
    delete: deleteKeys,
    dropOpenUploads: (keys, signal) => dropUncommitted(container, keys.map(full), signal),
    probe: (signal) =>
      calling('listing', async () => {
        const pages = container
          .listBlobsFlat({
            prefix: prefixOf(''),
            ...abortedBy(signal),
          })
          .byPage({ maxPageSize: 1 });
        await pages.next();
      }),
  };
}
