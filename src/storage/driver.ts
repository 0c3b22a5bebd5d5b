import type { Readable } from 'node:stream';
import type { StorageKind } from '../domain/storage-kind.ts';

/** A file as a listing shows it. */
export interface StoredFile {
  /** Key below the driver's root, with `/` between its parts. */
  readonly key: string;
  readonly sizeBytes: number;
  /** Last change, milliseconds since 1970 UTC; object stores tell whole seconds. */
  readonly modifiedMs: number;
  /** Another one whenever the content is (ETag); local disks have none. */
  readonly version?: string;
}

/** What every transfer may be given. */
export interface TransferOptions {
  /** Aborts the transfer; a partial target is removed, unless it is {@link DownloadOptions.isResumable}. */
  readonly signal?: AbortSignal;
  /** Called with the bytes moved so far, at most a few times a second. */
  readonly onProgress?: (doneBytes: number) => void;
}

/** What a download may be given. */
export interface DownloadOptions extends TransferOptions {
  /**
   * Goes on from what an earlier download has left at the same path, and leaves there what has arrived
   * where it fails or is aborted, with a journal beside it (`range-journal.ts`).
   */
  readonly isResumable?: boolean;
  /** Called once, before bytes move, with how many of a resumable download were on disk: 0 if none. */
  readonly onResumed?: (keptBytes: number) => void;
}

/** What an upload may be given. */
export interface UploadOptions extends TransferOptions {
  /** The name under which the file ends up gets other content later: caches must ask again. */
  readonly isFixedName?: boolean;
}

/**
 * The calls the engine makes of a storage, bound to one tenant's root. Keys are canonical (see
 * `paths.ts`): a driver never sees what a client typed. Failures are WorkErrors of type
 * `StorageFailed`, or `InvalidInput` where the client named something that is not there.
 */
export interface StorageDriver {
  readonly kind: StorageKind;
  /** The disk, bucket or container, to tell two of them apart; `''` for this machine's disks. */
  readonly volume: string;
  /** The root as the storage spells it: an absolute path, or a key prefix that may be empty. */
  readonly root: string;
  /** Whole files directly in a folder, no links, sorted by key; empty where there is no such folder. */
  list(folder: string, signal?: AbortSignal): Promise<readonly StoredFile[]>;
  /**
   * All that is below a folder, by the exact prefix `folder/`, at any depth and in no order, a page at a
   * time; what is not whole yet or hidden, too, and entries of folders, see {@link isFolderEntry}. No links
   * are followed.
   */
  listBelow(folder: string, signal?: AbortSignal): AsyncIterable<readonly StoredFile[]>;
  /** One file, or undefined where there is none. */
  stat(key: string, signal?: AbortSignal): Promise<StoredFile | undefined>;
  /** The bytes from `startByte` up to and without `endByte` (all of them by default). */
  read(
    key: string,
    options?: {
      readonly startByte?: number;
      readonly endByte?: number;
      readonly signal?: AbortSignal;
    },
  ): Promise<Readable>;
  /** Copies a file to the local `path`; fails when fewer or more bytes arrive than `stat` said. */
  download(key: string, path: string, options?: DownloadOptions): Promise<StoredFile>;
  /** Writes a local file under `key`: visible whole or not at all, replacing what was there. */
  upload(
    path: string,
    key: string,
    options?: UploadOptions,
  ): Promise<Pick<StoredFile, 'key' | 'sizeBytes'>>;
  /** Whether `key` holds just this local file: an earlier attempt has uploaded it whole. */
  isUploaded(path: string, key: string): Promise<boolean>;
  /** Gives a file another key, visible there whole or not at all, replacing what was there. */
  move(fromKey: string, toKey: string): Promise<void>;
  /** {@link StorageDriver.move} that leaves the file under its first key too. */
  copy(fromKey: string, toKey: string): Promise<void>;
  /** Deletes files and entries of folders; one that is already gone is no error. */
  delete(keys: readonly string[], signal?: AbortSignal): Promise<void>;
  /**
   * Removes what uploads have left that were begun under these keys and never ended. An upload that is
   * still under way, of a worker that was cut off, fails then. Whole files stay.
   */
  dropOpenUploads(keys: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Throws where the storage cannot be reached or refuses to list the root. */
  probe(signal?: AbortSignal): Promise<void>;
  /** The full path of a key, as callbacks tell it (contract §3). */
  fullPath(key: string): string;
}

/**
 * Whether a key is the entry of a folder, `folder/`, and no file: some tools keep one in object stores; on
 * a local disk it stands for a folder in which is nothing.
 */
export const isFolderEntry = (key: string): boolean => key.endsWith('/');

/** Whether a file is still the one it was: the same version, or where there is none the same time. */
export const isSameFile = (one: Omit<StoredFile, 'key'>, other: Omit<StoredFile, 'key'>): boolean =>
  one.sizeBytes === other.sizeBytes &&
  (one.version !== undefined && other.version !== undefined
    ? one.version === other.version
    : one.modifiedMs === other.modifiedMs);
