import { WorkError } from '../../../src/domain/failure.ts';
import type { StorageDriver } from '../../../src/storage/driver.ts';
import { locationOf } from '../../../src/storage/location.ts';
import { folderOf } from '../../../src/storage/paths.ts';

/**
 * Source and output folder may be one: no file of the client may be written over. `sources` are locations, see
 * `locationOf`. Throws a WorkError `InvalidInput`.
 */
export function refuseToOverwriteSource(
  output: StorageDriver,
  keys: readonly string[],
  sources: ReadonlySet<string>,
): void {
  const clash = keys.find((key) => sources.has(locationOf(output, key)));
  if (clash === undefined) return;
  throw new WorkError(
    'InvalidInput',
    `${output.fullPath(clash)} is a source of this job and would be overwritten; give another output_folder or mp4_filename`,
  );
}

/** The folder that is emptied may hold more files of the client than this job's sources. Throws likewise. */
export function refuseToEmptySource(
  output: StorageDriver,
  folder: string,
  sources: ReadonlySet<string>,
): void {
  const isSource = [...sources].some((one) => folderOf(one) === locationOf(output, folder));
  if (!isSource) return;
  throw new WorkError(
    'InvalidInput',
    `empty_target would empty ${output.fullPath(folder)}, which is the source folder; give another output_folder`,
  );
}
