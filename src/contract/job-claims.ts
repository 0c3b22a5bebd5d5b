import type { FolderClaims } from '../domain/folder-claims.ts';
import type { StorageKind } from '../domain/storage-kind.ts';
import type { StorageSide } from '../domain/storage-settings.ts';
import { locationAt, type StoragePlace } from '../storage/location.ts';

/** A folder below a root of the tenant's. */
export interface ClaimedFolder {
  readonly kind: StorageKind;
  readonly side: StorageSide;
  readonly folder: string;
}

/** What a recipe takes with its input. While it runs, no job runs that it could disturb or be disturbed by. */
export interface RecipeClaims {
  readonly writes: readonly ClaimedFolder[];
  readonly reads: readonly ClaimedFolder[];
  /** It deletes what is in the folders it writes to, and below them. */
  readonly clears: boolean;
}

/** Where a tenant's storage is. Throws a WorkError where that cannot be told. */
export type PlaceOf = (kind: StorageKind, side: StorageSide) => StoragePlace;

/** A recipe's claims with the tenant's roots resolved. Throws as {@link PlaceOf} and `locationAt` do. */
export function resolveClaims(claims: RecipeClaims, placeOf: PlaceOf): FolderClaims {
  const locate = (folders: readonly ClaimedFolder[]): readonly string[] => [
    ...new Set(folders.map(({ kind, side, folder }) => locationAt(placeOf(kind, side), folder))),
  ];
  return {
    writesTo: locate(claims.writes),
    readsFrom: locate(claims.reads),
    clears: claims.clears,
  };
}
