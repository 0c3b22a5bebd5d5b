/** A piece of text on screen. */
export interface Cue {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** WebVTT cue settings, `line:0 align:start`; empty where there are none. */
  readonly settings: string;
  /** Lines of WebVTT cue text, escaped. */
  readonly text: string;
}

/** A captions file cannot be read; the message names the line. */
export class CaptionsError extends Error {
  override readonly name = 'CaptionsError';
}

/** Cues that one file may hold. */
export const MOST_CUES = 50_000;

/** `01:02:03.450`, `02:03,450` → seconds; undefined for anything else. */
export function parseTimestamp(text: string): number | undefined {
  const match = /^(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})$/.exec(text.trim());
  if (match === null) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0', fraction = '0'] = match;
  return (
    Number(hours) * 3600 +
    Number(minutes) * 60 +
    Number(seconds) +
    Number(fraction.padEnd(3, '0')) / 1000
  );
}

/** Seconds as a WebVTT timestamp, `01:02:03.450`. */
export function formatTimestamp(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}.${String(ms % 1000).padStart(3, '0')}`;
}
