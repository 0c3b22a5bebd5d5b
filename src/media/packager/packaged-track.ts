import type { IndexedSegment } from '../mp4/sidx.ts';
import type { SourceTrack } from '../source/tracks.ts';

/** A track as it was packaged: one CMAF file with an index, and all that manifests say of it. */
export interface PackagedTrack extends SourceTrack {
  /** Name in the stage, `video_1.mp4`. */
  readonly fileName: string;
  readonly sizeBytes: number;
  /** RFC 6381 codec string. */
  readonly codecs: string;
  /** Sample aspect ratio, `1:1`. */
  readonly sar: string;
  /** Highest rate over a segment, bits per second. */
  readonly bandwidth: number;
  readonly averageBandwidth: number;
  readonly packagedSeconds: number;
  /** Bytes 0 up to and without this are the initialisation segment. */
  readonly initEndByte: number;
  readonly indexStartByte: number;
  readonly indexEndByte: number;
  readonly segments: readonly IndexedSegment[];
}

/** Subtitles as they were prepared: one WebVTT file for the whole length. */
export interface CaptionTrack {
  /** Name in the stage, `text_1.vtt`. */
  readonly fileName: string;
  readonly originalName: string;
  /** BCP 47. */
  readonly language: string;
  readonly cues: number;
  readonly sizeBytes: number;
}
