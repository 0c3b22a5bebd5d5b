import { WorkError } from '../../src/domain/failure.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { locationOf } from '../../src/storage/location.ts';

/**
 * Throws a WorkError `StorageFailed` where a storage was set up anew since something was recorded of a folder in it,
 * and leads elsewhere: what is there under the same names is not what is on record. `stays` says what is not done.
 */
export function requireLocation(
  storage: StorageDriver,
  { folder, location }: { readonly folder: string; readonly location: string },
  stays: string,
): void {
  const found = locationOf(storage, folder);
  if (found === location) return;
  throw new WorkError(
    'StorageFailed',
    `${storage.kind} leads to ${found} now; ${stays} ${location}`,
  );
}
