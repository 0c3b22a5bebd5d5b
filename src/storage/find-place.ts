import { join } from 'node:path';
import { WorkError } from '../domain/failure.ts';
import type { StorageKind } from '../domain/storage-kind.ts';
import type { KeptStorage, StorageSide } from '../domain/storage-settings.ts';
import { localPlace, remotePlace, type StoragePlace } from './location.ts';
import { openCredentials, type SealedSecrets } from './open-remote.ts';
import type { TenantRoots } from './storages.ts';

/** How a tenant's storages are set up. */
export interface TenantStorages extends TenantRoots {
  readonly name: string;
  readonly remotes: readonly KeptStorage[];
}

/** Says where a tenant's storage is, as the driver that `createStorages` opens says it. */
export type FindPlace = (
  tenant: TenantStorages,
  kind: StorageKind,
  side: StorageSide,
) => StoragePlace;

/**
 * Makes a {@link FindPlace} that opens no connection and asks nobody. It throws a WorkError where the
 * storage is not set up for the tenant (`InvalidInput`) or a connection string, which alone holds the
 * account's address, cannot be opened (`StorageFailed`).
 */
export function createFindPlace(deps: {
  readonly localInputRoot: string;
  readonly localOutputRoot: string;
  readonly secrets: SealedSecrets;
}): FindPlace {
  return (tenant, kind, side) => {
    if (kind === 'local') {
      const own = side === 'input' ? tenant.inputRoot : tenant.outputRoot;
      const shared = side === 'input' ? deps.localInputRoot : deps.localOutputRoot;
      return localPlace(own ?? join(shared, tenant.name));
    }
    const kept = tenant.remotes.find((one) => one.settings.kind === kind && one.side === side);
    if (kept === undefined) {
      throw new WorkError('InvalidInput', `${kind} is not configured for this client`);
    }
    // only a connection string says where it leads; other secrets stay sealed
    const { settings } = kept;
    const isAddress = settings.kind === 'azure_blob' && settings.credential === 'connection-string';
    const secret = isAddress ? openCredentials(kept, deps.secrets) : undefined;
    try {
      return remotePlace(settings, secret);
    } catch {
      // the reason may quote the secret
      throw new WorkError('StorageFailed', `${kind} cannot be opened as it is set up`, {
        isTerminal: true,
      });
    }
  };
}
