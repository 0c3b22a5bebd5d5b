/** How far ffmpeg has come, out of its `-progress` output. */
export interface FfmpegProgress {
  readonly frames: number;
  readonly outTimeSeconds: number;
}

/** Options that make ffmpeg tell its progress on stdout twice a second. */
export const PROGRESS_OPTIONS = [
  '-nostdin',
  '-nostats',
  '-stats_period',
  '0.5',
  '-progress',
  'pipe:1',
] as const;

/** Reads `key=value` lines; `onProgress` is called at the end of each block of them. */
export function createProgressParser(
  onProgress: (progress: FfmpegProgress) => void,
): (line: string) => void {
  let frames = 0;
  let outTimeSeconds = 0;
  return (line) => {
    const at = line.indexOf('=');
    const value = line.slice(at + 1).trim();
    switch (line.slice(0, at)) {
      case 'frame':
        frames = Number(value) || 0;
        break;
      case 'out_time_us':
        outTimeSeconds = (Number(value) || 0) / 1e6;
        break;
      case 'progress':
        onProgress({ frames, outTimeSeconds });
        break;
      default:
    }
  };
}
