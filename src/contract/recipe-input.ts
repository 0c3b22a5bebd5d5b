import type { StorageKind } from '../domain/storage-kind.ts';

/** What every recipe is started with. Plain JSON: Temporal's Web UI shows it as the input. */
export interface RecipeInput {
  readonly jobId: number;
  readonly tenant: string;
  readonly contentId: string | null;
}

/** The part of a job that its workflow's input is made of. */
export interface RecipeJob {
  readonly id: number;
  readonly tenant: string;
  readonly workflow: string;
  /** JSON text as it was kept. */
  readonly parameters: string;
}

/** Storages of a tenant, for jobs that name none. */
export interface StorageDefaults {
  readonly source: StorageKind;
  /** Null: the same as the source's. */
  readonly destination: StorageKind | null;
}

/** What the `vodstream` workflow is started with, made of the job's parameters by `vodstream.ts`. */
export interface VodstreamInput extends RecipeInput {
  readonly sourceStorage: StorageKind;
  readonly sourceFolder: string;
  readonly destinationStorage: StorageKind;
  /** Below the tenant's root; the job's own `output_root` is its first part. */
  readonly outputFolder: string;
  /** Stem of the asset's file names, out of `content_id`. */
  readonly asset: string;
  readonly deleteSource: boolean;
  readonly createThumbnail: boolean;
  readonly thumbnailTimeSeconds: number;
  readonly generateMp4: boolean;
  readonly mp4Filename: string;
  /** False: best audio and video only; true: all video tracks. */
  readonly mezzanine: boolean;
  /** False: only the best audio track of each language. */
  readonly allAudioTracks: boolean;
  /** How often fetching the source is tried again. */
  readonly retries: number;
  /** Whether all else in the output folder goes, once the asset is on air. */
  readonly emptyTarget: boolean;
  /** Source file name → what it is, where the name does not say. */
  readonly fileProperties: Readonly<
    Record<string, { readonly kind?: string; readonly language?: string }>
  >;
}

/** What the `voddelete` workflow is started with. */
export interface VoddeleteInput extends RecipeInput {
  readonly storage: StorageKind;
  /** Below the tenant's output root, canonical, never the root itself. */
  readonly folder: string;
}

/** What the `asset_delete` workflow is started with. Its task reads the files from the job. */
export interface AssetDeleteInput extends RecipeInput {
  readonly storage: StorageKind;
  readonly fileCount: number;
}

/** What the engine's own `undo_publish` workflow is started with. */
export interface UndoPublishInput extends RecipeInput {
  /** The job whose publication is taken back. */
  readonly undoneJobId: number;
}
