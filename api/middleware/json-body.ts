import type { MiddlewareHandler } from 'hono';
import { describeJsonFault } from '../../src/contract/json-fault.ts';
import { BODY_LIMITS, exceedsLimits } from '../../src/contract/json-limits.ts';
import type { ApiEnv, RequestBody } from '../deps.ts';
import { ApiError } from '../errors.ts';

/** Largest body, bytes. */
export const MOST_BODY_BYTES = 2 * 1024 * 1024;

// what is left of the body is not read: the connection ends with the answer
const tooLarge = (): ApiError =>
  new ApiError(413, `The body has more than ${MOST_BODY_BYTES} bytes`, { connection: 'close' });

async function readBody(request: Request): Promise<Buffer> {
  if (Number(request.headers.get('content-length') ?? '0') > MOST_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.byteLength;
      // counted as it comes: a chunked body declares no length
      if (sizeBytes > MOST_BODY_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, 'The body ended before it was whole', {}, { cause: error });
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ApiError(400, 'The body is not UTF-8', {}, { cause: error });
  }
}

function parse(text: string): RequestBody {
  const fault = exceedsLimits(text, BODY_LIMITS);
  if (fault !== undefined) throw new ApiError(400, `The body ${fault}`);
  try {
    return { text, value: JSON.parse(text) as unknown };
  } catch (error) {
    throw new ApiError(
      400,
      `The body is not valid JSON: ${describeJsonFault(text)}`,
      {},
      { cause: error },
    );
  }
}

/**
 * Reads the body of a request that has one. Bytes, nesting, keys and arrays are bounded before any
 * handler sees it. A body without a content type is taken as JSON: old triggers send none.
 */
export const jsonBody: MiddlewareHandler<ApiEnv> = async (c, next) => {
  c.set('body', undefined);
  if (!['POST', 'PUT', 'PATCH'].includes(c.req.method)) return next();
  const type = c.req.header('content-type');
  if (type !== undefined && !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new ApiError(415, 'The content type must be application/json', { connection: 'close' });
  }
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new ApiError(415, 'A compressed body is not taken; send it as it is', {
      connection: 'close',
    });
  }
  const text = decode(await readBody(c.req.raw));
  if (text !== '') c.set('body', parse(text));
  return next();
};
