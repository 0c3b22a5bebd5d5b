import type { StorageKind } from '../domain/storage-kind.ts';
import type { StorageSide } from '../domain/storage-settings.ts';
import { isStorageKind } from '../storage/storages.ts';
import type { Tenant } from '../store/tenants.ts';
import type { StorageDefaults } from './recipe-input.ts';

/** The storages that a tenant's jobs use where they name none (contract §6: S3). */
export function storageDefaults(tenant: Tenant): StorageDefaults {
  const { sourceStorage, destinationStorage } = tenant;
  return {
    source: isStorageKind(sourceStorage) ? sourceStorage : 'S3',
    destination:
      destinationStorage !== null && isStorageKind(destinationStorage) ? destinationStorage : null,
  };
}

/** Whether a tenant's sources can be read, or its results written, in a kind of storage. */
export const isStorageConfigured = (
  tenant: Tenant,
  kind: StorageKind,
  side: StorageSide,
): boolean =>
  kind === 'local' || tenant.remotes.some((one) => one.settings.kind === kind && one.side === side);
