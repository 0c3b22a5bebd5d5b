import { join } from 'node:path';
import { WorkError } from '../domain/failure.ts';
import { STORAGE_KINDS, type StorageKind } from '../domain/storage-kind.ts';
import type { StorageDriver } from './driver.ts';
import { createLocalStorage } from './local.ts';

/** Whether this server can open storage of a kind. */
export const isStorageAvailable = (kind: StorageKind): boolean => kind === 'local';

/** Whether a text names a storage of the contract. */
export const isStorageKind = (text: string): text is StorageKind =>
  (STORAGE_KINDS as readonly string[]).includes(text);

/** Which storage of which tenant is meant. */
export interface StorageRequest {
  readonly tenant: string;
  readonly kind: StorageKind;
  readonly side: 'input' | 'output';
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

/** Makes {@link Storages} over the server's local roots. */
export function createStorages(deps: {
  readonly localInputRoot: string;
  readonly localOutputRoot: string;
  readonly getRoots: (tenant: string) => Promise<TenantRoots | undefined>;
}): Storages {
  return {
    open: async ({ tenant, kind, side }) => {
      if (!isStorageAvailable(kind)) {
        throw new WorkError(
          'InvalidInput',
          `${kind} storage is not configured on this server; use local`,
        );
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
