import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LogJson, toLogJson } from '../../src/contract/log-json.ts';
import { getTenantJob } from '../../src/store/jobs.ts';
import { listLogs } from '../../src/store/logs.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { answers, CREDENTIALS } from '../openapi/answers.ts';
import { JobId, queryInteger } from '../openapi/parameters.ts';

const logs = createRoute({
  method: 'get',
  path: '/logs/{id}',
  operationId: 'showLog',
  summary: "Show a job's log, oldest row first",
  security: CREDENTIALS,
  request: {
    params: z.object({ id: JobId }),
    query: z.object({
      show_all: queryInteger(0, 1).openapi({
        description: '1 adds the rows with visible: false',
        default: 0,
      }),
    }),
  },
  responses: answers('The rows', z.array(LogJson), [400, 401, 404]),
});

/** `GET /logs/:id`. */
export function registerLogs(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openapi(logs, async (c) => {
    const job = await getTenantJob(deps.db, c.get('tenant').id, c.req.valid('param').id);
    if (job === undefined) throw new ApiError(404, 'There is no such job');
    const withInvisible = c.req.valid('query').show_all === 1;
    const rows = await listLogs(deps.db, job.id, { withInvisible });
    return c.json(rows.map(toLogJson), 200);
  });
}
