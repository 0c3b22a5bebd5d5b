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

/**
 * The bytes of a body, {@link MOST_BODY_BYTES} at most. Node's parser holds a request to the length that
 * it declares, so such a body is taken whole, which is several times cheaper than as a stream.
 */
async function readBody(request: Request): Promise<Buffer> {
  const declared = request.headers.get('content-length');
  if (Number(declared ?? '0') > MOST_BODY_BYTES) throw tooLarge();
  try {
    if (declared === null) return await readStream(request);
    const bytes = Buffer.from(await request.arrayBuffer());
    if (bytes.byteLength > MOST_BODY_BYTES) throw tooLarge();
    return bytes;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, 'The body ended before it was whole', {}, { cause: error });
  }
}

/** Counts as it comes: a chunked body declares no length. */
async function readStream(request: Request): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MOST_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
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
