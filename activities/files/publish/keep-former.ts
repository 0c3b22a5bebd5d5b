import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { fileNameOf, folderOf, joinKey } from '../../../src/storage/paths.ts';
import type { KeptFile } from '../../../src/store/former-publications.ts';
import type { Uploads } from '../../../src/store/uploads.ts';
import type { FormerAsset } from './publication.ts';
import { isFixedName } from '../published-names.ts';

/**
 * The hidden name under which a job keeps what it overwrites. With its extension: an object gets its
 * media type when it is written.
 */
export function keptKeyOf(jobId: number, key: string): string {
  const name = fileNameOf(key);
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return joinKey(folderOf(key), `.te-undo-${jobId}-${hash}${extname(name)}`);
}

/** What {@link keepFormer} is to keep. */
interface Overwritten {
  /** What is on air; undefined where it is what the job itself has published. */
  readonly former: FormerAsset | undefined;
  /** Keys that the switch is about to write, in its order. */
  readonly switched: readonly string[];
  /** Those of `switched` that are there because an earlier attempt's switch broke off, with their lengths in bytes. */
  readonly made: Uploads['made'];
}

/**
 * Keeps what a switch is about to overwrite, whoever has written it, and the files of fixed names that the
 * new asset has no more, so that it can be undone: whatever a client puts there meanwhile is not taken for the
 * former asset's. Returns them in the order in which they are put back, the files of `switched` last and in their
 * order, manifests at the end. A copy that an earlier attempt made is left as it is: the file itself may be the
 * new one already.
 */
export async function keepFormer(
  storage: StorageDriver,
  jobId: number,
  { former, switched, made }: Overwritten,
  proveOwner: () => Promise<void>,
): Promise<readonly KeptFile[]> {
  if (former === undefined) return [];
  const fixed = former.files.filter((key) => isFixedName(fileNameOf(key)));
  const dropped = fixed.filter((key) => !switched.includes(key));
  const kept: KeptFile[] = [];
  for (const key of [...dropped, ...switched]) {
    const keptKey = keptKeyOf(jobId, key);
    if ((await storage.stat(keptKey)) === undefined) {
      const found = await storage.stat(key);
      if (found === undefined || found.sizeBytes === made[key]) continue;
      await proveOwner();
      await storage.copy(key, keptKey);
    }
    kept.push({ key, keptKey });
  }
  return kept;
}

/**
 * Puts back what {@link keepFormer} kept of these files, after a switch that broke off: the former asset is
 * as it was. Removes each copy once it is back, so that a try that is called off after a large one is not in vain.
 */
export async function putBackKept(
  storage: StorageDriver,
  jobId: number,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  for (const key of keys) {
    const keptKey = keptKeyOf(jobId, key);
    if ((await storage.stat(keptKey, signal)) === undefined) continue;
    signal?.throwIfAborted();
    await storage.copy(keptKey, key);
    await storage.delete([keptKey]);
  }
}
