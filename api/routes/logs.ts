import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LogJson, toLogJson } from '../../src/contract/log-json.ts';
import { findWaits } from '../../src/store/folder-waits.ts';
import { getTenantJob } from '../../src/store/jobs.ts';
import { listLogs } from '../../src/store/logs.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { answers, CREDENTIALS, withPage } from '../openapi/answers.ts';
import { JobId, queryBoolean } from '../openapi/parameters.ts';
import { pageOrJson } from '../pages/answer.ts';
import { buildLogPage } from '../pages/log.ts';

const logs = createRoute({
  method: 'get',
  path: '/logs/{id}',
  operationId: 'showLog',
  summary: "Show a job's log, oldest row first",
  description: 'With `Accept: text/html` as a page.',
  security: CREDENTIALS,
  request: {
    params: z.object({ id: JobId }),
    query: z.object({
      show_all: queryBoolean.openapi({
        description: '1 adds the rows with visible: false',
        default: '0',
      }),
    }),
  },
  responses: withPage(answers('The rows', z.array(LogJson), [400, 401, 404])),
});

/** `GET /logs/:id`, as JSON or as a page. */
export function registerLogs(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openapi(logs, async (c) => {
    const job = await getTenantJob(deps.db, c.get('tenant').id, c.req.valid('param').id);
    if (job === undefined) throw new ApiError(404, 'There is no such job');
    const withInvisible = c.req.valid('query').show_all === true;
    const [rows, waits] = await Promise.all([
      listLogs(deps.db, job.id, { withInvisible }),
      findWaits(deps.db, job.tenantId, [job]),
    ]);
    const shown = { rows, isWhole: withInvisible, wait: waits.get(job.id) };
    return pageOrJson(c, {
      page: () => buildLogPage(job, shown),
      json: () => JSON.stringify(rows.map(toLogJson)),
    }) as never;
  });
}
