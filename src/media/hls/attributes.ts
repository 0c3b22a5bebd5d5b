/** A quoted attribute value (RFC 8216 §4.2): no double quote, no line break. */
export const quoted = (value: string): string =>
  `"${value.replaceAll('"', "'").replaceAll(/[\r\n]+/g, ' ')}"`;

/** An attribute list; attributes without a value are left out. */
export function attributeList(attributes: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

/** A file name as a relative URI (RFC 3986). A name with a colon would read as a scheme. */
export const toUri = (name: string): string => encodeURIComponent(name);
