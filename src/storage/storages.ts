import { join } from 'node:path';
import { WorkError } from '../domain/failure.ts';
import { STORAGE_KINDS, type StorageKind } from '../domain/storage-kind.ts';
import type { KeptStorage, RemoteKind, StorageSide } from '../domain/storage-settings.ts';
import type { StorageDriver } from './driver.ts';
import { createLocalStorage } from './local.ts';
import { createRemoteOpener } from './open-remote.ts';

/** Whether a text names a storage of the contract. */
export const isStorageKind = (text: string): text is StorageKind =>
  (STORAGE_KINDS as readonly string[]).includes(text);

/** Which storage of which tenant is meant. */
export interface StorageRequest {
  readonly tenant: string;
  readonly kind: StorageKind;
  readonly side: StorageSide;
}

/** Opens storages, each bound to one tenant's root. */
export interface Storages {
  open(request: StorageRequest): Promise<StorageDriver>;
}

/** Roots of a tenant; null where the server's default, `<root>/<tenant>`, applies. */
export interface TenantRoots {
  readonly inputRoot: string | null;
  readonly outputRoot: string | null;
}

/** What {@link createStorages} is given. */
export interface StoragesDeps {
  readonly localInputRoot: string;
  readonly localOutputRoot: string;
  readonly getRoots: (tenant: string) => Promise<TenantRoots | undefined>;
  /** How the operator has set up a tenant's remote storage; undefined where it is not. */
  readonly getRemote: (
    tenant: string,
    kind: RemoteKind,
    side: StorageSide,
  ) => Promise<KeptStorage | undefined>;
  /** Opens sealed credentials. */
  readonly secrets: { readonly open: (sealed: string, context: string) => string };
}

/** Makes {@link Storages} over the server's local roots and what is set up for each tenant. */
export function createStorages(deps: StoragesDeps): Storages {
  const openRemote = createRemoteOpener(deps.secrets);
  return {
    open: async ({ tenant, kind, side }) => {
      if (kind !== 'local') {
        const kept = await deps.getRemote(tenant, kind, side);
        if (kept !== undefined) return openRemote(kept);
        throw new WorkError('InvalidInput', `${kind} is not configured for this client`);
      }
      const roots = await deps.getRoots(tenant);
      if (roots === undefined) {
        throw new WorkError('InvalidInput', `Tenant ${tenant} does not exist`);
      }
      const own = side === 'input' ? roots.inputRoot : roots.outputRoot;
      const shared = side === 'input' ? deps.localInputRoot : deps.localOutputRoot;
      return createLocalStorage(own ?? join(shared, tenant));
    },
  };
}
