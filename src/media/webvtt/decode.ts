import { CaptionsError } from './cue.ts';

/** Largest captions file, bytes: a film's subtitles have some 100 KB. */
const MOST_CAPTION_BYTES = 20 * 1024 * 1024;

/**
 * Bytes of a captions file as text: UTF-8, UTF-16 with a byte order mark, else Windows-1252, the
 * encoding of old SRT files. Throws a {@link CaptionsError} for a file over 20 MB.
 */
export function decodeCaptions(bytes: Buffer): string {
  assertCaptionSize(bytes.length);
  const text = decode(bytes).replace(/^\uFEFF/, '');
  return text.replaceAll(/\r\n?/g, '\n').replaceAll('\u0000', '\uFFFD');
}

/** Throws a {@link CaptionsError} for a file that is too large to be captions; call it before reading. */
export function assertCaptionSize(sizeBytes: number): void {
  if (sizeBytes <= MOST_CAPTION_BYTES) return;
  throw new CaptionsError(
    `has ${sizeBytes} bytes; captions may have ${MOST_CAPTION_BYTES / 1024 / 1024} MB at most`,
  );
}

function decode(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
