import type { SourceRole } from '../../src/media/source/select.ts';

/** Names of the documents that one task leaves in its stage for the tasks that follow. */
export const DOCUMENTS = {
  /** Stage `source`: {@link SourceFile}[]. */
  files: 'files.json',
  /** Stage `inspection`. */
  inspection: 'inspection.json',
  /** Stage `captions`. */
  captions: 'captions.json',
  /** Stage `tracks`. */
  tracks: 'tracks.json',
  /** Stage `metadata`. */
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
