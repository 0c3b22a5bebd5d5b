import { createHash, randomBytes } from 'node:crypto';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { WorkError } from '../domain/failure.ts';
import type { AzureSettings } from '../domain/storage-settings.ts';
import { calling } from './azure-client.ts';
import { contentTypeOf } from './content-type.ts';
import type { UploadOptions } from './driver.ts';
import {
  commitSignal,
  type SentFile,
  sendFile,
  type SourceFile,
  STAMP_KEY,
} from './remote-file.ts';
import { partBytesOf, readFully, sendParts } from './send-parts.ts';

const md5 = (bytes: Buffer): Buffer => createHash('md5').update(bytes).digest();

/** Nothing to remove: blocks that are not committed are never visible. */
const discard = (): Promise<void> => Promise.resolve();

/**
 * Writes a local file as a block blob and returns its length. It appears whole with the last call;
 * blocks of an upload that failed are never visible, and go with the next write of the name or after a
 * week. Azure checks each block against a checksum made here, and keeps that of the whole.
 */
export async function uploadToAzure(
  container: ContainerClient,
  settings: AzureSettings,
  path: string,
  key: string,
  options: UploadOptions,
): Promise<number> {
  const blob = container.getBlockBlobClient(key);
  const doing = `writing ${key}`;
  const signal = options.signal ?? new AbortController().signal;
  const cache = options.isFixedName === true ? settings.fixedCacheControl : settings.cacheControl;

  const propertiesOf = (stamp: string, hash: Buffer) => ({
    metadata: { [STAMP_KEY]: stamp },
    blobHTTPHeaders: {
      blobContentType: contentTypeOf(key),
      blobContentMD5: hash,
      ...(cache === null ? {} : { blobCacheControl: cache }),
    },
    ...(settings.tier === null ? {} : { tier: settings.tier }),
    ...(settings.encryptionScope === null ? {} : { encryptionScope: settings.encryptionScope }),
  });

  const readWhole = async ({ file, sizeBytes, stamp }: SourceFile): Promise<SentFile> => {
    const bytes = Buffer.alloc(sizeBytes);
    await readFully(file, bytes, 0);
    const hash = md5(bytes);
    const properties = {
      ...propertiesOf(stamp, hash),
      transactionalContentMD5: hash,
      abortSignal: commitSignal(sizeBytes, signal),
    };
    const commit = async (): Promise<void> => {
      await calling(doing, () => blob.upload(bytes, sizeBytes, properties));
    };
    return { commit, discard };
  };

  const sendBlocks = async (source: SourceFile): Promise<SentFile> => {
    const { ids, hash } = await stageBlocks(blob, source, { doing, signal, options, settings });
    const commit = (): Promise<void> =>
      calling(doing, async () => {
        await blob.commitBlockList(ids, propertiesOf(source.stamp, hash));
        const there = await blob.getProperties();
        if (there.contentLength === source.sizeBytes) return;
        throw new WorkError(
          'StorageFailed',
          `${key} has ${there.contentLength ?? 0} bytes after it was written with ${source.sizeBytes}`,
        );
      });
    return { commit, discard };
  };

  const sizeBytes = await sendFile(path, key, signal, (source) =>
    source.sizeBytes <= partBytesOf(source.sizeBytes) ? readWhole(source) : sendBlocks(source),
  );
  options.onProgress?.(sizeBytes);
  return sizeBytes;
}

/** Makes ids of an upload's blocks: another upload of the same name must not lend its own. */
export function createBlockIds(): (number: number) => string {
  const upload = randomBytes(8).toString('hex');
  // all ids of a blob must have one length
  return (number) => Buffer.from(`${upload}-${String(number).padStart(6, '0')}`).toString('base64');
}

async function stageBlocks(
  blob: BlockBlobClient,
  source: SourceFile,
  job: {
    readonly doing: string;
    readonly signal: AbortSignal;
    readonly options: UploadOptions;
    readonly settings: AzureSettings;
  },
): Promise<{ readonly ids: string[]; readonly hash: Buffer }> {
  const scope = job.settings.encryptionScope;
  const idOf = createBlockIds();
  const ids: string[] = [];
  const whole = createHash('md5');
  await sendParts({
    file: source.file,
    sizeBytes: source.sizeBytes,
    signal: job.signal,
    onProgress: job.options.onProgress,
    onRead: (bytes) => void whole.update(bytes),
    send: async ({ number, bytes }, abortSignal) => {
      const id = idOf(number);
      await calling(job.doing, () =>
        blob.stageBlock(id, bytes, bytes.length, {
          abortSignal,
          transactionalContentMD5: md5(bytes),
          ...(scope === null ? {} : { encryptionScope: scope }),
        }),
      );
      ids[number - 1] = id;
    },
  });
  return { ids, hash: whole.digest() };
}
