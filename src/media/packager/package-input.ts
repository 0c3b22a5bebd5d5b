import type { SourceTrack } from '../source/tracks.ts';

/** What packaging is given. */
export interface PackageInput {
  readonly tracks: readonly SourceTrack[];
  /** Folder of the staged sources. */
  readonly sourceFolder: string;
  /** Folder the track files are written into. */
  readonly targetFolder: string;
  readonly signal: AbortSignal;
  readonly onCommand: (command: string) => void;
  /** Bytes the packager has written so far, about once a second. It writes each track twice. */
  readonly onProgress?: (writtenBytes: number) => void;
}
