import { createHash } from 'node:crypto';
import type { BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import { WorkError } from '../domain/failure.ts';
import type { AzureSettings } from '../domain/storage-settings.ts';
import { calling } from './azure-client.ts';
import { propertiesOf, readRange } from './azure-download.ts';
import { createBlockIds } from './azure-upload.ts';
import { partBytesOf } from './send-parts.ts';

/** Up to this, a blob is read and written again: one call, which replaces what was there in one step. */
const WHOLE_BYTES = 8 * 1024 * 1024;

const POLL_MS = 250;

/**
 * Copies a blob inside its container, with its headers and metadata. A small one appears whole; so does a large one
 * with an encryption scope, whose bytes go through the worker; others are copied by Azure, which inside one account
 * is done at once. Throws a WorkError `StorageFailed` where there is none, or the copy has another length.
 */
export async function copyInAzure(
  container: ContainerClient,
  settings: AzureSettings,
  fromKey: string,
  toKey: string,
  wholeBytes = WHOLE_BYTES,
): Promise<void> {
  const found = await propertiesOf(container, fromKey);
  if (found === undefined) {
    throw new WorkError('StorageFailed', `${fromKey} does not exist any more`);
  }
  const sizeBytes = found.contentLength ?? 0;
  const copy = { fromKey, toKey, found };
  await calling(`renaming ${fromKey}`, () => {
    if (sizeBytes <= wholeBytes) return rewrite(container, settings, copy);
    // Azure's own copy takes no scope
    return settings.encryptionScope === null
      ? copyByService(container, settings, fromKey, toKey)
      : rewriteInBlocks(container, settings, copy);
  });
  const copied = await propertiesOf(container, toKey);
  if (copied?.contentLength === sizeBytes) return;
  throw new WorkError('StorageFailed', `${toKey} was not copied whole`);
}

interface Copy {
  readonly fromKey: string;
  readonly toKey: string;
  readonly found: BlobGetPropertiesResponse;
}

/** What goes with a blob that is written again. */
const propertiesFor = ({ found }: Copy, { tier, encryptionScope }: AzureSettings) => ({
  ...(found.metadata === undefined ? {} : { metadata: found.metadata }),
  blobHTTPHeaders: {
    ...(found.contentType === undefined ? {} : { blobContentType: found.contentType }),
    ...(found.cacheControl === undefined ? {} : { blobCacheControl: found.cacheControl }),
    ...(found.contentMD5 === undefined ? {} : { blobContentMD5: found.contentMD5 }),
    ...(found.contentDisposition === undefined
      ? {}
      : { blobContentDisposition: found.contentDisposition }),
    ...(found.contentEncoding === undefined ? {} : { blobContentEncoding: found.contentEncoding }),
    ...(found.contentLanguage === undefined ? {} : { blobContentLanguage: found.contentLanguage }),
  },
  ...(tier === null ? {} : { tier }),
  ...(encryptionScope === null ? {} : { encryptionScope }),
});

async function rewrite(
  container: ContainerClient,
  settings: AzureSettings,
  copy: Copy,
): Promise<void> {
  const { fromKey, toKey, found } = copy;
  const sizeBytes = found.contentLength ?? 0;
  const bytes = await readRange(container, fromKey, {
    startByte: 0,
    endByte: sizeBytes,
    version: found.etag,
  });
  await container.getBlockBlobClient(toKey).upload(bytes, sizeBytes, {
    ...propertiesFor(copy, settings),
    // checked on arrival: what was read is what was there
    ...(found.contentMD5 === undefined ? {} : { transactionalContentMD5: found.contentMD5 }),
  });
}

/** Through the worker, block by block; the copy appears with the last call. */
async function rewriteInBlocks(
  container: ContainerClient,
  settings: AzureSettings,
  copy: Copy,
): Promise<void> {
  const { fromKey, toKey, found } = copy;
  const { encryptionScope } = settings;
  const target = container.getBlockBlobClient(toKey);
  const idOf = createBlockIds();
  const ids: string[] = [];
  const sizeBytes = found.contentLength ?? 0;
  const blockBytes = partBytesOf(sizeBytes);
  for (let startByte = 0; startByte < sizeBytes; startByte += blockBytes) {
    const endByte = Math.min(sizeBytes, startByte + blockBytes);
    const range = { startByte, endByte, version: found.etag };
    const bytes = await readRange(container, fromKey, range);
    const id = idOf(ids.length + 1);
    await target.stageBlock(id, bytes, bytes.length, {
      transactionalContentMD5: createHash('md5').update(bytes).digest(),
      ...(encryptionScope === null ? {} : { encryptionScope }),
    });
    ids.push(id);
  }
  await target.commitBlockList(ids, propertiesFor(copy, settings));
}

async function copyByService(
  container: ContainerClient,
  settings: AzureSettings,
  fromKey: string,
  toKey: string,
): Promise<void> {
  const source = container.getBlobClient(fromKey).url;
  const copy = await container.getBlobClient(toKey).beginCopyFromURL(source, {
    intervalInMs: POLL_MS,
    ...(settings.tier === null ? {} : { tier: settings.tier }),
  });
  const { copyStatus } = await copy.pollUntilDone();
  if (copyStatus === 'success') return;
  throw new WorkError('StorageFailed', `${toKey} was not copied (${copyStatus ?? 'no status'})`);
}
