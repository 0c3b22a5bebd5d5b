import { type Cue, formatTimestamp } from './cue.ts';

/** Cues as a WebVTT file (W3C WebVTT), in the order of their start. */
export function buildWebVtt(cues: readonly Cue[]): string {
  const blocks = [...cues]
    .sort((a, b) => a.startSeconds - b.startSeconds)
    .map((cue) => {
      const settings = cue.settings === '' ? '' : ` ${cue.settings}`;
      const times = `${formatTimestamp(cue.startSeconds)} --> ${formatTimestamp(cue.endSeconds)}`;
      return `${times}${settings}\n${cue.text}\n`;
    });
  return `WEBVTT\n\n${blocks.join('\n')}`;
}
