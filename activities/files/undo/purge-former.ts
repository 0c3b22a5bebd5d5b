import { text } from 'node:stream/consumers';
import { orderDeletions } from '../../../src/domain/deletion-order.ts';
import { WorkError } from '../../../src/domain/failure.ts';
import { manifestNames } from '../../../src/media/asset/names.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { joinKey } from '../../../src/storage/paths.ts';
import type { Storages } from '../../../src/storage/storages.ts';
import type { FormerPublication } from '../../../src/store/former-publications.ts';
import { requireLocation } from '../require-location.ts';
import { isNamedForJob } from '../published-names.ts';
import type { RestorationPort } from './restoration.ts';

/**
 * Deletes the files of a publication that is not put back any more, but for those that others need. Throws
 * a WorkError `StorageFailed`, with nothing deleted, while a manifest on air still names them.
 */
export async function purgeFormer(
  deps: { readonly storages: Storages; readonly restoration: Pick<RestorationPort, 'purge'> },
  formerId: number,
): Promise<void> {
  await deps.restoration.purge(formerId, async ({ former, keys }) => {
    const { tenant, storage: kind } = former;
    const storage = await deps.storages.open({ tenant, kind, side: 'output' });
    requireLocation(storage, former, 'files of a former publication stay in');
    await refuseOnAir(storage, former);
    for (const group of orderDeletions(keys)) await storage.delete(group);
  });
}

/** An undo that failed for good between two files may have put a manifest on air that the record does not know. */
async function refuseOnAir(
  storage: StorageDriver,
  { folder, asset, jobId }: FormerPublication,
): Promise<void> {
  // of no job: hidden copies, which no manifest names
  if (jobId === null) return;
  for (const name of Object.values(manifestNames(asset))) {
    const key = joinKey(folder, name);
    if ((await storage.stat(key)) === undefined) continue;
    if (!isNamedForJob(jobId, await text(await storage.read(key)))) continue;
    throw new WorkError(
      'StorageFailed',
      `${storage.fullPath(key)} still names files of job ${jobId}; they stay until the asset is published again`,
    );
  }
}
