import type { z } from 'zod';

/** A submission cannot be; the message names the field and says what would be right. */
export class InvalidSubmissionError extends Error {
  override readonly name = 'InvalidSubmissionError';
}

const MOST_CHARACTERS = 100;

/** A client's text as messages show it: not longer than a line. */
export const shorten = (text: string): string =>
  text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;

/** The value at a path inside `value`, undefined where there is none. */
function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return found;
}

/**
 * The first fault of a parse for people, `parameters.drm.0: may hold …`. `value` is what was parsed,
 * `prefix` where it stands in the body.
 */
export function describeIssue(
  error: z.ZodError,
  value: unknown,
  prefix: readonly string[] = [],
): string {
  const issue = error.issues[0];
  const path = issue?.path ?? [];
  const field = shorten([...prefix, ...path].map(String).join('.')) || 'the body';
  const fault = issue?.message ?? 'is wrong';
  return `${field}: ${valueAt(value, path) === undefined ? `is missing, it ${fault}` : fault}`;
}
