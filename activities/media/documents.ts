import type { SourceRole } from '../../src/media/source/select.ts';
import type { SourceTrack } from '../../src/media/source/tracks.ts';

/** Names of the documents that one task leaves in its stage for the tasks that follow. */
export const DOCUMENTS = {
  /** Stage `source`: {@link SourceFile}[]. */
  files: 'files.json',
  /** Stage `inspection`: {@link Inspection}. */
  inspection: 'inspection.json',
  /** Stage `captions`: CaptionTrack[]. */
  captions: 'captions.json',
  /** Stage `tracks`: PackagedTrack[]. */
  tracks: 'tracks.json',
  /** Stage `metadata`: the technical metadata that is published. */
  metadata: 'metadata.json',
} as const;

/** A fetched source file in stage `source`. */
export interface SourceFile {
  /** Name in the client's source folder; for messages and for the language in it. */
  readonly originalName: string;
  /** Generated name in the stage, `source_1.mp4`: `[a-z0-9_]+` and an extension of the allow-list. */
  readonly stagedName: string;
  readonly sizeBytes: number;
  readonly role: SourceRole;
}

/** What the sources hold and which of it goes into the asset. */
export interface Inspection {
  readonly durationSeconds: number;
  readonly tracks: readonly SourceTrack[];
  readonly captions: readonly CaptionSource[];
}

/** A captions file with its language. */
export interface CaptionSource {
  readonly originalName: string;
  readonly stagedName: string;
  /** BCP 47, `und` where nobody says. */
  readonly language: string;
}

/** File names in stages that hold one file. */
export const STAGE_FILES = { thumbnail: 'thumbnail.jpg', mp4: 'asset.mp4' } as const;
