import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { HealthJson, NotReady, ProbeOk } from '../../src/contract/health.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { createHealthReport } from '../health/report.ts';
import { answers, CREDENTIALS } from '../openapi/answers.ts';

const show = createRoute({
  method: 'get',
  path: '/health',
  operationId: 'showHealth',
  summary: 'Say how the engine and its parts are',
  description:
    'Answers within 2 seconds, with 200 also while parts are down: `databases` says which, and what only they know is null. ' +
    'Counts are those of the client’s own jobs, 1.5 seconds old at most. While Postgres is down, credentials count that were used within the last day.',
  security: CREDENTIALS,
  responses: answers('How it is', HealthJson, [401, 429, 503]),
});

const live = createRoute({
  method: 'get',
  path: '/health/live',
  operationId: 'showLive',
  summary: 'Say that the process is up; asks nothing else',
  security: [],
  responses: answers('It is up', ProbeOk, []),
});

const ready = createRoute({
  method: 'get',
  path: '/health/ready',
  operationId: 'showReady',
  summary: 'Say whether requests should come here',
  description:
    'They should while Postgres is reachable, its schema is up to date and the storage roots can be used. ' +
    'Temporal is not asked: jobs are taken while it is down, and run when it is back.',
  security: [],
  responses: {
    ...answers('They should', ProbeOk, []),
    503: {
      description: 'They should not',
      content: { 'application/json': { schema: NotReady } },
    },
  },
});

/** `GET /health` and the two probes, which are open to everybody and tell nothing that is secret. */
export function registerHealth(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const report = createHealthReport({ parts: deps.health, log: deps.log });
  app.openapi(show, async (c) => c.json(await report.show(c.get('tenant')), 200));
  app.openapi(live, (c) => c.json({ status: 'ok' as const }, 200));
  app.openapi(ready, async (c) => {
    const obstacle = await report.findObstacle();
    return obstacle === undefined ? c.json({ status: 'ok' as const }, 200) : c.json(obstacle, 503);
  });
}
