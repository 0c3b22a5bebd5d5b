import { CaptionsError, type Cue, MOST_CUES, parseTimestamp } from './cue.ts';
import { cleanCueText } from './cue-text.ts';

/**
 * Parses SubRip text. Numbers of cues are not looked at; font tags and ASS overrides, which WebVTT
 * has not, are dropped. Throws a {@link CaptionsError} naming the line.
 */
export function parseSrt(text: string): readonly Cue[] {
  const cues: Cue[] = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (!line.includes('-->')) {
      // a block begins with its number; anything else outside a cue is no SRT
      if (line.trim() === '' || /^\s*\d+\s*$/.test(line)) continue;
      throw new CaptionsError(
        `line ${at + 1}: expected a cue number or "00:00:01,000 --> 00:00:02,000"`,
      );
    }
    const [from = '', to = ''] = line.split('-->');
    const startSeconds = parseTimestamp(from);
    const endSeconds = parseTimestamp(to.trim().split(/\s+/)[0] ?? '');
    if (startSeconds === undefined || endSeconds === undefined) {
      throw new CaptionsError(`line ${at + 1}: expected "00:00:01,000 --> 00:00:02,000"`);
    }
    const body: string[] = [];
    while (at + 1 < lines.length && (lines[at + 1] ?? '').trim() !== '') {
      at += 1;
      body.push(lines[at] ?? '');
    }
    if (cues.length >= MOST_CUES) throw new CaptionsError(`has more than ${MOST_CUES} cues`);
    const plain = body.join('\n').replaceAll(/<\/?font[^>]*>|\{\\[^}]*\}/gi, '');
    if (endSeconds > startSeconds && plain.trim() !== '') {
      cues.push({ startSeconds, endSeconds, settings: '', text: cleanCueText(plain) });
    }
  }
  return cues;
}
