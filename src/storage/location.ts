import type { StorageDriver } from './driver.ts';

/**
 * A folder or file as publications are kept under it: storage and full path,
 * `local:/srv/out/acme/movie`, `S3:https://s3.eu-west-1.amazonaws.com/media/acme/movie`.
 */
export const locationOf = (storage: StorageDriver, key: string): string =>
  storage.volume === ''
    ? `${storage.kind}:${storage.fullPath(key)}`
    : `${storage.kind}:${storage.volume}/${storage.fullPath(key)}`;
