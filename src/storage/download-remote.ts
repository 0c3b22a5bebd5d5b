import { WorkError } from '../domain/failure.ts';
import type { DownloadOptions } from './driver.ts';
import { fetchRanges, type FetchRangesOptions } from './fetch-ranges.ts';
import { fillFile } from './fill-file.ts';
import { RANGE_BYTES } from './range-journal.ts';
import { changedWhileFetched, isTransient } from './remote-failure.ts';

/** An object of a remote storage as it was when its download began. */
export interface RemoteSource {
  readonly key: string;
  /** Where the bucket or container is, see `StorageDriver.volume`. */
  readonly volume: string;
  readonly sizeBytes: number;
  /** Its ETag. */
  readonly version: string | undefined;
  /** Asks for a range of just this version. */
  readonly open: FetchRangesOptions['open'];
  /** Whether what has arrived, whose CRC-32 is given, has the checksum that the service keeps, if it keeps one. */
  readonly hasItsChecksum: (crc: number, signal: AbortSignal) => boolean | Promise<boolean>;
  /** The version that is there now. */
  readonly currentVersion: (signal: AbortSignal) => Promise<string | undefined>;
}

/**
 * Copies an object to a local file. Every range must be of the same version (`If-Match`) and as long as asked
 * for; the whole must have the checksum of the object, which must be the same one when all has arrived.
 */
export async function downloadRemote(
  source: RemoteSource,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const { key, volume, sizeBytes, version } = source;
  const identity = version && `${volume}/${key} ${sizeBytes} ${version}`;
  await fillFile(path, { key, sizeBytes, identity }, options, async ({ file, journal, signal }) => {
    const crc = await fetchRanges({
      file,
      doing: `fetching ${key}`,
      journal,
      sizeBytes,
      signal,
      isTransient,
      onProgress: options.onProgress,
      open: source.open,
    });
    if (!(await source.hasItsChecksum(crc, signal))) {
      throw new WorkError('StorageFailed', `${key} arrived with another checksum than it has`);
    }
    // all ranges may be under way already when the object is replaced; a single one is of one version
    const isSame = sizeBytes <= RANGE_BYTES || (await source.currentVersion(signal)) === version;
    if (!isSame) throw changedWhileFetched(key);
  });
}
