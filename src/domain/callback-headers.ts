/** Headers that one tenant may add to its callbacks. */
export const MOST_CALLBACK_HEADERS = 10;

const MOST_NAME_CHARACTERS = 64;
const MOST_VALUE_CHARACTERS = 2048;

/** A header's name (RFC 9110 §5.1), in lower case. */
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** Printable ASCII: no CR, LF or NUL that would begin another header. */
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** What frames the request or says what it carries; the sender alone sets it. */
const RESERVED = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'user-agent',
]);

/** What a header's value is sealed for, so that it opens nowhere else. */
export const callbackHeaderContext = (tenantId: number, name: string): string =>
  `callback_headers/${tenantId}/${name}`;

/** Why a header may not go with callbacks, undefined where it may. `name` is in lower case. */
export function callbackHeaderFault(name: string, value: string): string | undefined {
  if (name.length > MOST_NAME_CHARACTERS || !NAME.test(name)) {
    return `${JSON.stringify(name.slice(0, MOST_NAME_CHARACTERS))} is no name of a header`;
  }
  if (RESERVED.has(name) || /^(?:webhook|proxy)-/.test(name)) {
    return `${name} is set by the engine itself`;
  }
  if (value.length > MOST_VALUE_CHARACTERS || !VALUE.test(value)) {
    return `the value of ${name} must be one line of 1 to ${MOST_VALUE_CHARACTERS} printable ASCII characters, without spaces around it`;
  }
  return undefined;
}
