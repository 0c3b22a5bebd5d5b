import { buildInput, QUIET } from './input.ts';

/** ffmpeg's JPEG quality, 2 (best) to 31. */
const QUALITY = '2';

/**
 * Arguments for one frame as JPEG: the frame on screen at `timeSeconds`. ffmpeg gives the next frame
 * for a time between two, so the time is put on the frame grid, half a frame early.
 */
export function buildThumbnailArgs(input: {
  readonly source: string;
  readonly streamIndex: number;
  readonly timeSeconds: number;
  /** Frames per second. */
  readonly frameRate: number;
  readonly target: string;
}): string[] {
  const frame = Math.floor(input.timeSeconds * input.frameRate + 1e-6);
  const seekSeconds = Math.max(0, (frame - 0.5) / input.frameRate);
  return [
    ...QUIET,
    '-nostdin',
    '-y',
    '-ss',
    seekSeconds.toFixed(6),
    ...buildInput(input.source),
    '-map',
    `0:${input.streamIndex}`,
    '-frames:v',
    '1',
    '-q:v',
    QUALITY,
    '-f',
    'image2',
    '-update',
    '1',
    `file:${input.target}`,
  ];
}

/** A frame rate fraction as a number; 25 where it says nothing. */
export function frameRateOf(fraction: string | undefined): number {
  const [top, bottom] = (fraction ?? '').split('/').map(Number);
  const rate = (top ?? Number.NaN) / (bottom ?? 1);
  return Number.isFinite(rate) && rate > 0 ? rate : 25;
}
