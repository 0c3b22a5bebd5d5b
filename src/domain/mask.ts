/** Characters of a secret that stay readable (contract §5). */
const SHOWN = 4;

/** A secret as logs show it: its last four characters. A short one is not shown at all. */
export const maskSecret = (secret: string): string =>
  secret.length > 2 * SHOWN ? `****${secret.slice(-SHOWN)}` : '****';

/** Headers and query parameters whose values are secrets, by what their names contain. */
const SECRET_NAME =
  /auth|api[-_]?key|access[-_]?key|token|secret|passw|pwd|credential|cookie|session|sign|(?:^|[-_])(?:sig|key|jwt|code|pass)(?:$|[-_])/i;

/** Whether a header or a query parameter of this name holds a secret. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name);

/** `Bearer abcdefghijkl` → `Bearer ****ijkl`: the scheme of an authorization is no secret. */
const maskValue = (value: string): string => {
  const [, scheme = '', secret = value] =
    /^((?:Basic|Bearer|Digest|Token|ApiKey)\s+)(.+)$/is.exec(value) ?? [];
  return `${scheme}${maskSecret(secret)}`;
};

/** Headers as logs show them: values of secret ones masked to their last four characters. */
export const maskHeaders = (
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      isSecretName(name) ? maskValue(value) : value,
    ]),
  );
