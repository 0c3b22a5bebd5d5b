import { open } from 'node:fs/promises';

/** Text that betrays a playlist or a document under a media file's name. */
const DISGUISES: readonly (readonly [RegExp, string])[] = [
  [/^\uFEFF?#EXTM3U/, 'an HLS playlist'],
  [/^\uFEFF?ffconcat/, 'a concat list'],
  [/<MPD[\s>]/, 'a DASH manifest'],
  [/<svg[\s>]/i, 'an SVG image'],
  [/<html[\s>]/i, 'a web page'],
];

/** What a file really is where its first bytes betray it, for people; undefined where they don't. */
export async function describeDisguise(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
    const head = buffer.toString('utf8', 0, bytesRead);
    return DISGUISES.find(([pattern]) => pattern.test(head))?.[1];
  } finally {
    await file.close();
  }
}
