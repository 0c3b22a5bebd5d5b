const MOST_CHARACTERS = 16 * 1024;

/**
 * Everything of a submission that `search` looks through: all its scalar values, a line each, up to
 * 16,384 characters.
 */
export function buildSearchText(values: readonly unknown[]): string {
  const lines: string[] = [];
  let length = 0;
  const waiting: unknown[] = values.toReversed();
  while (waiting.length > 0 && length < MOST_CHARACTERS) {
    const value = waiting.pop();
    if (Array.isArray(value)) waiting.push(...(value as unknown[]).toReversed());
    else if (value instanceof Date) lines.push(value.toISOString());
    else if (typeof value === 'object' && value !== null) {
      waiting.push(...(Object.values(value) as unknown[]).toReversed());
    } else if (['string', 'number', 'boolean'].includes(typeof value)) {
      const line = String(value as string | number | boolean);
      length += line.length + 1;
      lines.push(line);
    }
  }
  return lines.join('\n').slice(0, MOST_CHARACTERS).replaceAll('\u0000', '\uFFFD').toWellFormed();
}
