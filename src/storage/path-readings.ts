/** True for `.`, `..` and longer rows of dots, also with spaces or invisible characters among them. */
export const isTraversal = (part: string): boolean =>
  part.includes('.') && /^[.\s\p{Cf}]+$/u.test(part);

/**
 * Whether some program could read a part of a path as more than the plain name it is: with
 * compatibility forms folded (Unicode NFKC makes `../` of `．．／`) and percent encoding undone as
 * often as it was done.
 */
export function leadsElsewhere(part: string): boolean {
  const folded = part.normalize('NFKC');
  const decoded = percentDecode(folded);
  return [folded, decoded, decoded?.normalize('NFKC')].some(
    (reading) => reading === undefined || /[\p{Cc}/\\]/u.test(reading) || isTraversal(reading),
  );
}

/**
 * Undoes percent encoding, also `%uXXXX`, until there is none left; each round shortens the text.
 * Undefined where the bytes are no UTF-8, as the overlong dot `%c0%ae` is not.
 */
function percentDecode(text: string): string | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decode = (run: string): string =>
    decoder.decode(Buffer.from(run.replaceAll('%', ''), 'hex'));
  let current = text;
  for (;;) {
    let next: string;
    try {
      next = current
        .replace(/(?:%[0-9a-f]{2})+/gi, decode)
        .replace(/%u([0-9a-f]{4})/gi, (_all, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        );
    } catch {
      return undefined;
    }
    if (next === current) return current;
    current = next;
  }
}
