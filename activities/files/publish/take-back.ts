import { text } from 'node:stream/consumers';
import { manifestNames } from '../../../src/media/asset/names.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { fileNameOf, joinKey } from '../../../src/storage/paths.ts';
import type { Uploads } from '../../../src/store/uploads.ts';
import { keptKeyOf, putBackKept } from './keep-former.ts';
import { isFixedName, isHidden, isNamedForJob } from '../published-names.ts';

/** What {@link takeBackUploads} needs besides the storage. */
interface TakeBackOptions {
  readonly jobId: number;
  readonly uploads: Uploads;
  /** Keys in the folder that belong to publications. */
  readonly published: ReadonlySet<string>;
  /** What was overwritten was put back before, or was published over: copies that are still there only go. */
  readonly isTurnedBack?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Removes what a publish has written that is not on air: its uploads, open ones too, and the files that a
 * switch which broke off has made where there were none; those that it overwrote are put back. Returns the
 * keys that stay because a manifest of a former publication was replaced already and names them. The caller
 * sees to it that nothing is switched in the folder meanwhile.
 */
export async function takeBackUploads(
  storage: StorageDriver,
  options: TakeBackOptions,
): Promise<readonly string[]> {
  const { uploads, published, signal } = options;
  const { keys, fixedKeys } = uploads;
  await deleteMade(storage, options);
  // where the publication is on record, what it replaced is kept for an undo
  const isPublished = keys.some((key) => published.has(key));
  if (!isPublished) {
    const former = [...published].filter((key) => isFixedName(fileNameOf(key)));
    // in the order of the switch, the manifests last
    const kept = [...former.filter((key) => !fixedKeys.includes(key)), ...fixedKeys];
    if (options.isTurnedBack === true) {
      const copies = kept.map((key) => keptKeyOf(options.jobId, key));
      await storage.delete(copies, signal);
    } else {
      await putBackKept(storage, options.jobId, kept, signal);
    }
  }
  const isKept = (await isOnAir(storage, options))
    ? (key: string) => !isHidden(fileNameOf(key))
    : () => false;
  const unpublished = keys.filter((key) => !published.has(key));
  const dropped = storage.dropOpenUploads([...keys, ...fixedKeys], signal);
  // files first where uploads cannot be listed: they are what takes room
  await dropped.catch(() => undefined);
  await storage.delete(
    unpublished.filter((key) => !isKept(key)),
    signal,
  );
  await dropped;
  return unpublished.filter(isKept);
}

/** Files of fixed names that were not there before, manifests first: none may name a missing file. */
async function deleteMade(
  storage: StorageDriver,
  { uploads, published, signal }: TakeBackOptions,
): Promise<void> {
  const manifests = Object.values(manifestNames(uploads.asset)).map((name) =>
    joinKey(uploads.folder, name),
  );
  const made = Object.keys(uploads.made).filter((key) => !published.has(key));
  for (const isManifest of [true, false]) {
    const ours: string[] = [];
    for (const key of made.filter((one) => manifests.includes(one) === isManifest)) {
      // one of another length is somebody else's by now
      if ((await storage.stat(key, signal))?.sizeBytes === uploads.made[key]) ours.push(key);
    }
    if (ours.length > 0) await storage.delete(ours, signal);
  }
}

/** Whether one of the asset's two manifests names files of the job. */
async function isOnAir(
  storage: StorageDriver,
  { jobId, uploads, signal }: TakeBackOptions,
): Promise<boolean> {
  const { hls, dash } = manifestNames(uploads.asset);
  for (const name of [hls, dash]) {
    const key = joinKey(uploads.folder, name);
    if ((await storage.stat(key, signal)) === undefined) continue;
    const read = await storage.read(key, signal === undefined ? {} : { signal });
    if (isNamedForJob(jobId, await text(read))) return true;
  }
  return false;
}
