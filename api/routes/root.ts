import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { Alive } from '../../src/contract/answers.ts';
import type { ApiEnv } from '../deps.ts';
import { answers } from '../openapi/answers.ts';

const alive = createRoute({
  method: 'get',
  path: '/',
  operationId: 'showAlive',
  summary: 'Say that the API is up',
  security: [],
  responses: answers('The API is up', Alive, []),
});

/** `GET /`, open to everybody. */
export function registerRoot(app: OpenAPIHono<ApiEnv>): void {
  app.openapi(alive, (c) => c.json({ result: 'alive' as const }, 200));
}
