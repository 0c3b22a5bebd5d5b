import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { ApiEnv } from '../deps.ts';
import { answers } from '../openapi/shapes.ts';

const alive = createRoute({
  method: 'get',
  path: '/',
  summary: 'Say that the API is up',
  security: [],
  responses: answers(z.object({ result: z.literal('alive') }), []),
});

/** `GET /`, open to everybody. */
export function registerRoot(app: OpenAPIHono<ApiEnv>): void {
  app.openapi(alive, (c) => c.json({ result: 'alive' as const }, 200));
}
