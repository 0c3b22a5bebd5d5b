import { foldText } from '../domain/fold-text.ts';
import { endOfScalar, endOfString, skipSpace } from '../domain/raw-json.ts';

/** Characters kept of all values together; the rest of a large submission is not searched. */
const MOST_CHARACTERS = 16 * 1024;

const isStructure = (character: string): boolean => '[]{}:, \t\n\r'.includes(character);

/** The scalar values of a JSON text in order: texts decoded, numbers as their digits were written. */
function* scalarsOf(raw: string): Iterable<string> {
  let at = 0;
  while (at < raw.length) {
    if (isStructure(raw.charAt(at))) {
      at += 1;
      continue;
    }
    const isText = raw.charAt(at) === '"';
    const end = isText ? endOfString(raw, at) : endOfScalar(raw, at);
    const isKey = isText && raw.charAt(skipSpace(raw, end)) === ':';
    const token = raw.slice(at, end);
    at = end;
    if (!isKey && token !== 'null') yield isText ? (JSON.parse(token) as string) : token;
  }
}

/**
 * Everything that `search` looks through: the content id, then every scalar value of the raw JSON
 * texts, a line each, up to 16,384 characters, folded as a searched text is.
 */
export function buildSearchText(contentId: string, raws: Iterable<string>): string {
  const lines = [contentId];
  let length = contentId.length;
  for (const raw of raws) {
    for (const value of scalarsOf(raw)) {
      if (length >= MOST_CHARACTERS) break;
      lines.push(value);
      length += value.length + 1;
    }
  }
  const text = lines.join('\n').slice(0, MOST_CHARACTERS);
  return foldText(text).replaceAll('\u0000', '\uFFFD').toWellFormed();
}
