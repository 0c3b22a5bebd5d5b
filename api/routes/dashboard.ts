import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import product from '../../package.json' with { type: 'json' };
import { DashboardJson, toDashboardJson } from '../../src/contract/dashboard.ts';
import { getDashboard } from '../../src/store/dashboard.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { answers, CREDENTIALS, withPage } from '../openapi/answers.ts';
import { pageOrJson } from '../pages/answer.ts';
import { buildDashboardPage } from '../pages/dashboard.ts';

const show = createRoute({
  method: 'get',
  path: '/dashboard',
  operationId: 'showDashboard',
  summary: 'Show what runs, waits and is scheduled',
  description:
    'Jobs without their parameters, 100 of each list at most; `GET /jobs` has the rest. With `Accept: text/html` as a page.',
  security: CREDENTIALS,
  responses: withPage(answers('The queue', DashboardJson, [401])),
});

/** `GET /dashboard`, as JSON or as a page. */
export function registerDashboard(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openapi(show, async (c) => {
    const tenant = c.get('tenant');
    const dashboard = await getDashboard(deps.db, tenant.id);
    return pageOrJson(c, {
      page: () => buildDashboardPage(tenant.name, dashboard, product.version),
      json: () => toDashboardJson(dashboard, product.version),
    }) as never;
  });
}
