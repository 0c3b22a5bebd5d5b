import type { StorageSettings } from '../domain/storage-settings.ts';
import type { StorageDriver, StoredFile } from './driver.ts';
import { WorkError } from '../domain/failure.ts';

/** A storage as an operator knows it, for people. */
const placeOf = (settings: StorageSettings): string =>
  settings.kind === 'S3' ? `S3 bucket ${settings.bucket}` : `Azure container ${settings.container}`;

/**
 * The same driver, whose failures say which bucket or container failed: a job may use two, and whoever
 * reads its message has nothing else.
 */
export function withNamedFailures(driver: StorageDriver, settings: StorageSettings): StorageDriver {
  const place = placeOf(settings);
  const named = async <Result>(call: Promise<Result>): Promise<Result> => {
    try {
      return await call;
    } catch (error) {
      throw nameIn(error, place);
    }
  };
  return {
    ...driver,
    list: (folder) => named(driver.list(folder)),
    listBelow: (folder) => namedPages(driver.listBelow(folder), place),
    stat: (key, signal) => named(driver.stat(key, signal)),
    read: (key, options) => named(driver.read(key, options)),
    download: (key, path, options) => named(driver.download(key, path, options)),
    upload: (path, key, options) => named(driver.upload(path, key, options)),
    isUploaded: (path, key) => named(driver.isUploaded(path, key)),
    move: (fromKey, toKey) => named(driver.move(fromKey, toKey)),
    copy: (fromKey, toKey) => named(driver.copy(fromKey, toKey)),
    delete: (keys, signal) => named(driver.delete(keys, signal)),
    dropOpenUploads: (keys, signal) => named(driver.dropOpenUploads(keys, signal)),
    probe: (signal) => named(driver.probe(signal)),
  };
}

async function* namedPages(
  pages: AsyncIterable<readonly StoredFile[]>,
  place: string,
): AsyncGenerator<readonly StoredFile[]> {
  try {
    yield* pages;
  } catch (error) {
    throw nameIn(error, place);
  }
}

function nameIn(error: unknown, place: string): unknown {
  if (error instanceof WorkError)
    error.message = error.message.replace(/^The storage /, `${place} `);
  return error;
}
