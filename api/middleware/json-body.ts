import type { MiddlewareHandler } from 'hono';
import { BODY_LIMITS, exceedsLimits } from '../../src/contract/json-limits.ts';
import type { ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';

/** Largest body, bytes. */
export const MOST_BODY_BYTES = 2 * 1024 * 1024;

const tooLarge = (): ApiError =>
  new ApiError(413, `The body has more than ${MOST_BODY_BYTES} bytes`, { connection: 'close' });

async function readBody(request: Request): Promise<string> {
  const declared = Number(request.headers.get('content-length') ?? '0');
  if (declared > MOST_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    // counted as it comes: a chunked body declares no length
    if (sizeBytes > MOST_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new ApiError(400, 'The body is not UTF-8');
  }
}

function assertJson(text: string): void {
  const fault = exceedsLimits(text, BODY_LIMITS);
  if (fault !== undefined) throw new ApiError(400, `The body ${fault}`);
  try {
    JSON.parse(text);
  } catch (error) {
    const where = error instanceof Error ? error.message : String(error);
    throw new ApiError(400, `The body is not valid JSON: ${where}`);
  }
}

/**
 * Reads the body of a request that has one and keeps its text. Bytes, nesting, keys and arrays are
 * bounded before any handler sees it. A body without a content type is taken as JSON: old triggers
 * send none.
 */
export const jsonBody: MiddlewareHandler<ApiEnv> = async (c, next) => {
  c.set('bodyText', '');
  if (!['POST', 'PUT', 'PATCH'].includes(c.req.method)) return next();
  const type = c.req.header('content-type');
  if (type !== undefined && !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new ApiError(415, 'The content type must be application/json');
  }
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding !== 'identity') {
    throw new ApiError(415, 'A compressed body is not taken; send it as it is');
  }
  const text = await readBody(c.req.raw);
  if (text !== '') assertJson(text);
  c.set('bodyText', text);
  return next();
};
