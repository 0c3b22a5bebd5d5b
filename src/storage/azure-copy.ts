import type { BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import { WorkError } from '../domain/failure.ts';
import type { AzureSettings } from '../domain/storage-settings.ts';
import { calling } from './azure-client.ts';
import { propertiesOf } from './azure-download.ts';

/** Up to this, a blob is read and written again: one call, which replaces what was there in one step. */
const WHOLE_BYTES = 8 * 1024 * 1024;

const POLL_MS = 250;

/**
 * Copies a blob inside its container, with its type and cache headers. A small one appears whole; a large
 * one by Azure's own copy, which inside one account is done at once. Throws a WorkError `StorageFailed`
 * where there is none, or the copy has another length.
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
  await calling(`renaming ${fromKey}`, () =>
    sizeBytes <= wholeBytes
      ? rewrite(container, settings, { fromKey, toKey, found })
      : copyByService(container, settings, fromKey, toKey),
  );
  const copied = await propertiesOf(container, toKey);
  if (copied?.contentLength === sizeBytes) return;
  throw new WorkError('StorageFailed', `${toKey} was not copied whole`);
}

async function rewrite(
  container: ContainerClient,
  settings: AzureSettings,
  copy: {
    readonly fromKey: string;
    readonly toKey: string;
    readonly found: BlobGetPropertiesResponse;
  },
): Promise<void> {
  const { found } = copy;
  const sizeBytes = found.contentLength ?? 0;
  const bytes =
    sizeBytes === 0
      ? Buffer.alloc(0)
      : await container.getBlobClient(copy.fromKey).downloadToBuffer(0, sizeBytes);
  await container.getBlockBlobClient(copy.toKey).upload(bytes, sizeBytes, {
    ...(found.metadata === undefined ? {} : { metadata: found.metadata }),
    blobHTTPHeaders: {
      ...(found.contentType === undefined ? {} : { blobContentType: found.contentType }),
      ...(found.cacheControl === undefined ? {} : { blobCacheControl: found.cacheControl }),
      ...(found.contentMD5 === undefined ? {} : { blobContentMD5: found.contentMD5 }),
    },
    // checked on arrival: what was read is what was there
    ...(found.contentMD5 === undefined ? {} : { transactionalContentMD5: found.contentMD5 }),
    ...(settings.tier === null ? {} : { tier: settings.tier }),
    ...(settings.encryptionScope === null ? {} : { encryptionScope: settings.encryptionScope }),
  });
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
    ...(settings.encryptionScope === null ? {} : { encryptionScope: settings.encryptionScope }),
  });
  const { copyStatus } = await copy.pollUntilDone();
  if (copyStatus === 'success') return;
  throw new WorkError('StorageFailed', `${toKey} was not copied (${copyStatus ?? 'no status'})`);
}
