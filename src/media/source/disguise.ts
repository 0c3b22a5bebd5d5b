import type { ByteReader } from './byte-reader.ts';

const HEAD_BYTES = 1024;

/** Text that betrays a playlist or a document under a media file's name. */
const DISGUISES: readonly (readonly [RegExp, string])[] = [
  [/^\uFEFF?#EXTM3U/, 'an HLS playlist'],
  [/^\uFEFF?ffconcat/, 'a concat list'],
  [/<MPD[\s>]/, 'a DASH manifest'],
  [/<svg[\s>]/i, 'an SVG image'],
  [/<html[\s>]/i, 'a web page'],
];

/** What a file really is where its first bytes betray it, for people; undefined where they don't. */
export async function describeDisguise(file: ByteReader): Promise<string | undefined> {
  const head = (await file.read(0, HEAD_BYTES)).toString('utf8');
  return DISGUISES.find(([pattern]) => pattern.test(head))?.[1];
}
