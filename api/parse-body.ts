import type { Context } from 'hono';
import type { z } from 'zod';
import { describeIssue } from '../src/contract/fault.ts';
import type { ApiEnv } from './deps.ts';
import { ApiError } from './errors.ts';

/** The body of a request as its schema makes it. Throws a 400 that names the field. */
export function parseBody<Schema extends z.ZodType>(
  c: Context<ApiEnv>,
  schema: Schema,
): z.output<Schema> {
  const value = c.get('body')?.value;
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new ApiError(400, describeIssue(parsed.error, value));
  return parsed.data;
}
