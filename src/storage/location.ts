import type { StorageDriver } from './driver.ts';

/** A folder as publications are kept under it: storage and full path, `local:/srv/out/acme/movie`. */
export const locationOf = (storage: StorageDriver, folder: string): string =>
  `${storage.kind}:${storage.fullPath(folder)}`;
