import { buffer } from 'node:stream/consumers';
import { WorkError } from '../../../src/domain/failure.ts';
import type { ByteReader } from '../../../src/media/source/byte-reader.ts';
import { readStructure } from '../../../src/media/source/structure.ts';
import { isSameFile, type StorageDriver, type StoredFile } from '../../../src/storage/driver.ts';
import type { Task } from '../../task.ts';
import type { WantedFile } from './fetch-files.ts';

/** Smaller files are fetched about as fast as they are looked at. */
const LEAST_BYTES = 64 * 1024 * 1024;

/** Read at once: the small boxes at a file's begin come with one request. */
const BLOCK_BYTES = 64 * 1024;

/** What one file may cost; a file of many fragments, or with a huge index, is judged when it is here. */
const MOST_REQUESTS = 64;
const MOST_READ_BYTES = 64 * 1024 * 1024;

/** Looking any further would cost more than it may save. */
class TooMuch extends Error {
  override readonly name = 'TooMuch';
}

/**
 * Looks at the structure of large sources in a remote storage before they are fetched, by ranges: one
 * that is cut short, or no media, fails the job in seconds and not after hours of transfer. Throws a
 * WorkError `InvalidMedia`, as `inspect_source` would; whatever else goes wrong is the fetch's to tell, also that
 * a file was written anew since it was listed.
 */
export async function checkRemoteSources(
  storage: StorageDriver,
  task: Task,
  sources: readonly WantedFile[],
): Promise<void> {
  if (storage.kind === 'local') return;
  for (const { listed, name } of sources) {
    if (listed.sizeBytes < LEAST_BYTES) continue;
    task.signal.throwIfAborted();
    task.progress({ step: `looking at ${name}` });
    try {
      await readStructure(name, createRangeReader(storage, listed, task.signal));
    } catch (error) {
      task.signal.throwIfAborted();
      const isJudged = error instanceof WorkError && error.type === 'InvalidMedia';
      if (isJudged && (await isStill(storage, listed, task.signal))) throw error;
      task.log.info({ err: error, name }, 'source not looked at before its fetch');
    }
  }
}

/** Whether a file is the one that was listed: another one was measured by the length of the former, or read in parts of both. */
async function isStill(
  storage: StorageDriver,
  listed: StoredFile,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await storage.stat(listed.key, signal);
  return found !== undefined && isSameFile(found, listed);
}

/** Reads a stored file in blocks, the last of which is kept: boxes lie close together. */
function createRangeReader(
  storage: StorageDriver,
  { key, sizeBytes }: { readonly key: string; readonly sizeBytes: number },
  signal: AbortSignal,
): ByteReader {
  let requests = 0;
  let readBytes = 0;
  let kept = { at: 0, bytes: Buffer.alloc(0) };
  return {
    sizeBytes,
    read: async (at, lengthBytes) => {
      const endByte = Math.min(sizeBytes, at + lengthBytes);
      if (at < kept.at || endByte > kept.at + kept.bytes.length) {
        const readTo = Math.min(sizeBytes, Math.max(endByte, at + BLOCK_BYTES));
        requests += 1;
        readBytes += readTo - at;
        if (requests > MOST_REQUESTS || readBytes > MOST_READ_BYTES) throw new TooMuch();
        const body = await storage.read(key, { startByte: at, endByte: readTo, signal });
        kept = { at, bytes: await buffer(body) };
      }
      return kept.bytes.subarray(at - kept.at, endByte - kept.at);
    },
  };
}
