import { isAllowedAddress, parseAddress } from './address.ts';

const MOST_CHARACTERS = 2048;

/**
 * Ports of services that would take an HTTP request for their own protocol: mail, shells, name and
 * file services. The list is the Fetch standard's ("bad port", §2.9), which browsers refuse too.
 */
const FOREIGN_PORTS = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
  103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
  512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
  995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
  6669, 6679, 6697, 10_080,
]);

/** The addresses a host stands for without asking anybody; `localhost` is loopback (RFC 6761 §6.3). */
const literalsOf = (hostname: string): readonly string[] => {
  if (/^(?:.+\.)?localhost\.?$/.test(hostname)) return ['127.0.0.1', '::1'];
  return parseAddress(hostname) === undefined ? [] : [hostname];
};

/**
 * Why a URL may not be called, for people, or undefined where it may be tried. Only what the text
 * says is judged; a name's addresses are judged when it is connected to.
 */
export function assessUrl(text: string, allowedNetworks: readonly string[]): string | undefined {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  if (text.length > MOST_CHARACTERS) return `${shown} has more than ${MOST_CHARACTERS} characters`;
  // the URL parser would drop or encode control characters; Postgres takes no NUL
  if (/[\s\\\p{Cc}]/u.test(text)) {
    return `${shown} has a space, line break, backslash or control character`;
  }
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
  if (url.port !== '' && FOREIGN_PORTS.has(Number(url.port))) {
    return `${shown} has port ${url.port}, which another protocol than HTTP uses`;
  }
  // the URL parser has turned every spelling of an IPv4 address into dotted digits by now
  const literals = literalsOf(url.hostname);
  if (literals.length > 0 && !literals.some((one) => isAllowedAddress(one, allowedNetworks))) {
    return `${shown} leads to an address that is not public; the administrator can allow its network for this client`;
  }
  return undefined;
}
