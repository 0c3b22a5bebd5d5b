import { join, resolve } from 'node:path';
import type { StorageKind } from '../domain/storage-kind.ts';
import type { StorageSettings } from '../domain/storage-settings.ts';
import type { StorageDriver } from './driver.ts';
import { joinKey } from './paths.ts';
import { azureVolume, s3Volume } from './volume.ts';

/**
 * A folder or file as publications are kept under it: storage and full path,
 * `local:/srv/out/acme/movie`, `S3:https://s3.eu-west-1.amazonaws.com/media/acme/movie`.
 */
export const locationOf = (storage: StorageDriver, key: string): string =>
  spell(storage, storage.fullPath(key));

/** Where a tenant's storage is, without a connection to it; see the members of {@link StorageDriver}. */
export interface StoragePlace {
  readonly kind: StorageKind;
  readonly volume: string;
  readonly root: string;
}

/** The place of local storage below a root. */
export const localPlace = (root: string): StoragePlace => ({
  kind: 'local',
  volume: '',
  root: resolve(root),
});

/** The place of a remote storage. `secret` as its client is given it. Throws where it says no account. */
export const remotePlace = (
  settings: StorageSettings,
  secret: string | undefined,
): StoragePlace => ({
  kind: settings.kind,
  volume: settings.kind === 'S3' ? s3Volume(settings) : azureVolume(settings, secret),
  root: settings.root,
});

/** {@link locationOf} without a driver: the two say the same. Throws a WorkError for a key that is too long. */
export const locationAt = (place: StoragePlace, key: string): string =>
  spell(place, pathAt(place, key));

function pathAt({ kind, root }: StoragePlace, key: string): string {
  if (kind === 'local') return join(root, key);
  return key === '' ? root : joinKey(root, key);
}

const spell = ({ kind, volume }: Pick<StoragePlace, 'kind' | 'volume'>, path: string): string =>
  volume === '' ? `${kind}:${path}` : `${kind}:${volume}/${path}`;
