import type { z } from 'zod';
import { WorkError } from '../domain/failure.ts';
import { describeIssue } from './fault.ts';

/** A job's kept parameters by their schema. Throws a WorkError `InvalidInput` naming what cannot be. */
export function parseParameters<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): z.infer<Schema> {
  const given: unknown = JSON.parse(text);
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new WorkError('InvalidInput', describeIssue(parsed.error, given));
  return parsed.data;
}
