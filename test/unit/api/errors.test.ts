import { Hono } from 'hono';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { ApiEnv } from '../../../api/deps.ts';
import { ApiError, createErrorHandler, type ErrorStatus } from '../../../api/errors.ts';

/** What is logged where a request ends with a status. */
async function loggedFor(status: ErrorStatus): Promise<readonly unknown[]> {
  const logged: unknown[] = [];
  const log = pino(
    { base: null, timestamp: false },
    { write: (line) => logged.push(JSON.parse(line)) },
  );
  const app = new Hono<ApiEnv>();
  app.onError(createErrorHandler(log));
  app.get('/', (c) => {
    c.set('requestId', 'r1');
    throw new ApiError(status, 'S3 bucket media cannot be reached for listing film (ECONNREFUSED)');
  });
  expect((await app.request('/')).status).toBe(status);
  return logged;
}

test('the log says why a request could not be served', async () => {
  expect(await loggedFor(503)).toEqual([
    {
      level: 40,
      requestId: 'r1',
      reason: 'S3 bucket media cannot be reached for listing film (ECONNREFUSED)',
      msg: 'request could not be served',
    },
  ]);
});

test('what a client did wrong is told to the client alone', async () => {
  expect(await loggedFor(409)).toEqual([]);
});
