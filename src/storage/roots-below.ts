import { STORAGE_KINDS } from '../domain/storage-kind.ts';
import { STORAGE_SIDES } from '../domain/storage-settings.ts';
import type { FindPlace, TenantStorages } from './find-place.ts';
import { locationAt } from './location.ts';

/**
 * The tenants, by name, one of whose roots is a folder or lies below it: an operator may nest roots, and
 * what deletes the folder would delete theirs. `location` as `locationOf` spells it. A storage whose place
 * cannot be told is left out: it is not the one that `location` was made of.
 */
export function tenantsWithRootBelow(
  tenants: readonly TenantStorages[],
  findPlace: FindPlace,
  location: string,
): readonly string[] {
  const rootsOf = (tenant: TenantStorages): readonly string[] =>
    STORAGE_KINDS.flatMap((kind) =>
      STORAGE_SIDES.flatMap((side) => {
        try {
          return [locationAt(findPlace(tenant, kind, side), '')];
        } catch {
          return [];
        }
      }),
    );
  const isBelow = (root: string): boolean => root === location || root.startsWith(`${location}/`);
  return tenants.filter((tenant) => rootsOf(tenant).some(isBelow)).map((tenant) => tenant.name);
}
