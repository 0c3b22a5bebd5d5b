/** Characters of a secret that stay readable (contract §5). */
const SHOWN = 4;

const MASKED = /^\*{4}.{0,4}$/s;

/** A secret as logs show it: its last four characters. A short one is not shown at all. */
export function maskSecret(secret: string): string {
  if (MASKED.test(secret)) return secret;
  return secret.length > 2 * SHOWN ? `****${secret.slice(-SHOWN)}` : '****';
}

/** Headers and query parameters that hold secrets, by what their names contain. */
const SECRET_NAME =
  /auth|api[-_]?key|key[-_]?id|access[-_]?key|token|secret|passw|pwd|credential|cookie|session|signature|jwt|(?:^|[-_.])(?:sig|sign|key|pass|code|hmac|policy)(?:$|[-_.])/i;

/** Whether a header or a query parameter of this name holds a secret. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name);

const SCHEME = /^((?:basic|bearer|digest|token|apikey|negotiate)\s+)(.+)$/is;

/** The value of a header that is a secret: `Bearer abcdefghijkl` → `Bearer ****ijkl`. */
export function maskHeaderValue(value: string): string {
  const [, scheme = '', secret = value] = SCHEME.exec(value) ?? [];
  return `${scheme}${maskSecret(secret)}`;
}

/** Long and of letters and digits: a secret, whatever the parameter is called. */
const looksRandom = (value: string): boolean =>
  value.length >= 20 && /^[\w+/=.~%-]+$/.test(value) && /\d/.test(value) && /[a-z]/i.test(value);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function maskParameter(parameter: string): string {
  const at = parameter.indexOf('=');
  if (at < 0) return looksRandom(parameter) ? maskSecret(parameter) : parameter;
  const [name, value] = [parameter.slice(0, at), parameter.slice(at + 1)];
  const isSecret = isSecretName(decode(name)) || looksRandom(value);
  return `${name}=${isSecret && value !== '' ? maskSecret(value) : value}`;
}

/**
 * A URL as logs show it: without fragment and without the password and name of a user; signatures, tokens
 * and keys of the query masked to their last four characters.
 */
export function maskUrl(url: string): string {
  const [whole = ''] = url.split('#', 1);
  const at = whole.indexOf('?');
  const address = (at < 0 ? whole : whole.slice(0, at)).replace(
    /^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i,
    '$1****@',
  );
  if (at < 0) return address;
  return `${address}?${whole
    .slice(at + 1)
    .split(/([&;])/)
    .map((part) => (part === '&' || part === ';' ? part : maskParameter(part)))
    .join('')}`;
}

/** A text of a log: URLs in it as {@link maskUrl} shows them. Doing so again changes nothing. */
export const maskUrlsIn = (text: string): string =>
  text.replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi, maskUrl);
