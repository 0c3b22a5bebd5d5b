import { isAllowedAddress, parseAddress } from './address.ts';

const MOST_CHARACTERS = 2048;

/**
 * Why a URL may not be called, for people, or undefined where it may be tried. Only what the text
 * says is judged; a name's addresses are judged when it is connected to.
 */
export function assessUrl(text: string, allowedNetworks: readonly string[]): string | undefined {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  if (text.length > MOST_CHARACTERS) return `${shown} has more than ${MOST_CHARACTERS} characters`;
  if (/[\s\\]/.test(text)) return `${shown} has a space, line break or backslash`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return `${shown} is not a URL; give one like https://example.com/callback`;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `${shown} has the scheme ${url.protocol.slice(0, -1)}; only http and https are called`;
  }
  if (url.username !== '' || url.password !== '') {
    return 'a URL holds a user name or password; credentials go into headers';
  }
  if (url.port === '0') return `${shown} has port 0`;
  // the URL parser has turned every spelling of an IPv4 address into dotted digits by now
  if (
    parseAddress(url.hostname) !== undefined &&
    !isAllowedAddress(url.hostname, allowedNetworks)
  ) {
    return `${shown} leads to an address that is not public; the administrator can allow its network for this client`;
  }
  return undefined;
}
