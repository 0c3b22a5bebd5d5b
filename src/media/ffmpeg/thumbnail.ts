import { buildInput, QUIET } from './input.ts';

/** ffmpeg's JPEG quality, 2 (best) to 31. */
const QUALITY = '2';

/** Largest picture that is decoded, pixels: 8K has 33 million. */
const MOST_PIXELS = '67108864';

/** How far before its time the last frame is looked for, seconds. */
const LAST_FRAME_SECONDS = 30;

/**
 * Arguments for one frame as JPEG: the frame on screen at `timeSeconds`. ffmpeg gives the next frame
 * for a time between two, so the time is put on the frame grid, half a frame early. With `isLast` the
 * last frame before that time instead, where there is none at it: each frame replaces the one before.
 */
export function buildThumbnailArgs(input: {
  readonly source: string;
  readonly streamIndex: number;
  readonly timeSeconds: number;
  /** Frames per second. */
  readonly frameRate: number;
  readonly isLast?: boolean;
  readonly target: string;
}): string[] {
  const isLast = input.isLast === true;
  const frame = Math.floor(input.timeSeconds * input.frameRate + 1e-6);
  const seekSeconds = Math.max(
    0,
    (frame - 0.5) / input.frameRate - (isLast ? LAST_FRAME_SECONDS : 0),
  );
  return [
    ...QUIET,
    '-nostdin',
    '-y',
    '-max_pixels',
    MOST_PIXELS,
    '-ss',
    seekSeconds.toFixed(6),
    ...buildInput(input.source),
    '-map',
    `0:${input.streamIndex}`,
    ...(isLast ? [] : ['-frames:v', '1']),
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
