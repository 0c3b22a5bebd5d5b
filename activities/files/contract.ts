import type { StorageKind } from '../../src/domain/storage-kind.ts';

export interface FetchSourceInput {
  readonly jobId: number;
  readonly tenant: string;
  readonly storage: StorageKind;
  /** Source folder, canonical. */
  readonly folder: string;
  /** Stem of the asset's names: an earlier publication in the same folder is no source. */
  readonly asset: string;
  /** How often fetching is tried again. */
  readonly retries: number;
  /** Whether an MP4 will be made of the sources, for which there must be room too. Default false. */
  readonly makesMp4?: boolean;
  /** Where the results will go, for a look before anything is fetched; none where it is left out. */
  readonly destination?: { readonly storage: StorageKind; readonly folder: string };
}

export interface FetchSourceResult {
  readonly message: string;
}

export interface PublishInput {
  readonly jobId: number;
  readonly tenant: string;
  readonly storage: StorageKind;
  readonly folder: string;
  readonly sourceStorage: StorageKind;
  readonly sourceFolder: string;
  /** Stem of the asset's names. */
  readonly asset: string;
  /** Name of the MP4 where one was made. */
  readonly mp4Filename: string | null;
  readonly durationSeconds: number;
  /** Whether all else in the output folder goes, once the asset is on air. */
  readonly emptyTarget: boolean;
}

export interface PublishResult {
  readonly message: string;
}

export interface DeleteSourceInput {
  readonly jobId: number;
  readonly tenant: string;
  readonly storage: StorageKind;
  readonly folder: string;
}

export interface DeleteSourceResult {
  readonly message: string;
}

export interface DeleteAssetInput {
  readonly jobId: number;
  readonly tenant: string;
  readonly storage: StorageKind;
  /** Below the output root, canonical, never the root itself. */
  readonly folder: string;
}

export interface DeleteAssetResult {
  readonly message: string;
}

export interface DeleteFilesInput {
  readonly jobId: number;
  readonly tenant: string;
  readonly storage: StorageKind;
}

export interface DeleteFilesResult {
  readonly message: string;
}

export interface RestorePublicationInput {
  readonly jobId: number;
  readonly tenant: string;
  /** The job whose publication is taken back. */
  readonly undoneJobId: number;
}

export interface RestorePublicationResult {
  readonly message: string;
}

export interface CleanupInput {
  readonly jobId: number;
}

export interface CleanupResult {
  readonly message: string;
}
