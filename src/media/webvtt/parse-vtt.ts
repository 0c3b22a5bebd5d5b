import { CaptionsError, type Cue, MOST_CUES, parseTimestamp } from './cue.ts';
import { cleanCueText } from './cue-text.ts';

const SETTING =
  /^(?:vertical:(?:rl|lr)|line:[-\d.]+%?(?:,\w+)?|position:[\d.]+%(?:,[\w-]+)?|size:[\d.]+%|align:\w+)$/;

/**
 * Parses WebVTT (W3C). Notes, styles and regions are dropped, cue settings are kept. Throws a
 * {@link CaptionsError} naming the line.
 */
export function parseVtt(text: string): readonly Cue[] {
  const lines = text.split('\n');
  if (!/^WEBVTT(?:[ \t].*)?$/.test(lines[0] ?? '')) {
    throw new CaptionsError('line 1: a WebVTT file starts with "WEBVTT"');
  }
  const cues: Cue[] = [];
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (!line.includes('-->')) continue;
    const [from = '', rest = ''] = line.split('-->');
    const [to = '', ...settings] = rest.trim().split(/\s+/);
    const startSeconds = parseTimestamp(from);
    const endSeconds = parseTimestamp(to);
    if (startSeconds === undefined || endSeconds === undefined) {
      throw new CaptionsError(`line ${at + 1}: expected "00:00:01.000 --> 00:00:02.000"`);
    }
    const body: string[] = [];
    while (at + 1 < lines.length && (lines[at + 1] ?? '').trim() !== '') {
      at += 1;
      body.push(lines[at] ?? '');
    }
    if (cues.length >= MOST_CUES) throw new CaptionsError(`has more than ${MOST_CUES} cues`);
    if (endSeconds > startSeconds && body.length > 0) {
      cues.push({
        startSeconds,
        endSeconds,
        settings: settings.filter((one) => SETTING.test(one)).join(' '),
        text: cleanCueText(body.join('\n')),
      });
    }
  }
  return cues;
}
