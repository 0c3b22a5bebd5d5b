const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]); // [ {
const CLOSING = new Set([0x5d, 0x7d]); // ] }
const ENDS_SCALAR = new Set([0x2c, 0x5d, 0x7d, 0x20, 0x09, 0x0a, 0x0d]); // , ] } and white space

/** The index of the first character at or after `at` that is no JSON white space (RFC 8259 §2). */
export function skipSpace(text: string, at: number): number {
  let index = at;
  while (' \t\n\r'.includes(text.charAt(index)) && index < text.length) index += 1;
  return index;
}

/** The index after the string whose opening quote stands at `at`. */
export function endOfString(text: string, at: number): number {
  let index = at + 1;
  while (text.charCodeAt(index) !== QUOTE) {
    index += text.charCodeAt(index) === BACKSLASH ? 2 : 1;
    if (index >= text.length) throw new RangeError('The JSON text ends inside a string');
  }
  return index + 1;
}

/** The index after the number or literal that begins at `at`. */
export function endOfScalar(text: string, at: number): number {
  let index = at;
  while (index < text.length && !ENDS_SCALAR.has(text.charCodeAt(index))) index += 1;
  return index;
}

/** The index after the value that begins at `at`. Keeps a depth instead of calling itself. */
function endOfValue(text: string, at: number): number {
  if (text.charCodeAt(at) === QUOTE) return endOfString(text, at);
  if (!OPENING.has(text.charCodeAt(at))) return endOfScalar(text, at);
  let depth = 0;
  let index = at;
  do {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = endOfString(text, index);
      continue;
    }
    if (OPENING.has(code)) depth += 1;
    else if (CLOSING.has(code)) depth -= 1;
    index += 1;
  } while (depth > 0 && index < text.length);
  return index;
}

/**
 * The members of a JSON object: key → raw text of its value, in the order in which the keys come
 * first. Of a key that stands twice the last value counts, as JSON.parse takes it. `text` must be
 * valid JSON (RFC 8259); one that is no object has no members.
 */
export function sliceMembers(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let at = skipSpace(text, 0);
  if (text.charAt(at) !== '{') return members;
  at = skipSpace(text, at + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const endOfKey = endOfString(text, at);
    const start = skipSpace(text, skipSpace(text, endOfKey) + 1);
    const end = endOfValue(text, start);
    members.set(JSON.parse(text.slice(at, endOfKey)) as string, text.slice(start, end));
    at = skipSpace(text, end);
    if (text.charAt(at) === ',') at = skipSpace(text, at + 1);
  }
  return members;
}

/** An object's text out of its members' raw texts, which go in as they are. */
export function joinObject(members: Iterable<readonly [string, string]>): string {
  return `{${[...members].map(([key, raw]) => `${JSON.stringify(key)}:${raw}`).join(',')}}`;
}
