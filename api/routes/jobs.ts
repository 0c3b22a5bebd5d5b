import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { JobJson, toJobJson } from '../../src/contract/job-json.ts';
import { listJobs } from '../../src/store/job-list.ts';
import { getTenantJob } from '../../src/store/jobs.ts';
import { getQueuePosition, getQueuePositions } from '../../src/store/queue-position.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { answers, CREDENTIALS } from '../openapi/answers.ts';
import { JobId, queryIds, queryInteger, queryText } from '../openapi/parameters.ts';

const DEFAULT_LIMIT = 10;
const MOST_JOBS = 1000;

const ListQuery = z.object({
  limit: queryInteger(1, MOST_JOBS).openapi({
    description: 'Jobs at most, newest first',
    default: DEFAULT_LIMIT,
  }),
  state: queryInteger(0, 6).openapi({
    description:
      'Only jobs in this state: queued 0, started 1, completed 2, pending 3, broken 4, scheduled 5, paused 6',
  }),
  client: queryText(256).openapi({ description: 'Own name; other clients have no jobs here' }),
  search: queryText(500).openapi({
    description: 'Text in the content id or any submitted value, in any case of letters',
  }),
  job_ids: queryIds.openapi({ description: 'Only these jobs' }),
});

const list = createRoute({
  method: 'get',
  path: '/jobs',
  operationId: 'listJobs',
  summary: 'List jobs, newest first',
  description:
    'Every filter that is given must hold; a blank one is none. Parameters are left out.',
  security: CREDENTIALS,
  request: { query: ListQuery },
  responses: answers('The jobs', z.array(JobJson), [400, 401]),
});

const get = createRoute({
  method: 'get',
  path: '/jobs/{id}',
  operationId: 'showJob',
  summary: 'Show one job',
  security: CREDENTIALS,
  request: { params: z.object({ id: JobId }) },
  responses: answers('The job', JobJson, [401, 404]),
});

const json = { 'content-type': 'application/json' };

/** `GET /jobs` and `GET /jobs/:id`. Texts are joined raw: parameters come back as they were sent. */
export function registerJobs(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openapi(list, async (c) => {
    const { client, job_ids: jobIds, ...filters } = c.req.valid('query');
    const tenant = c.get('tenant');
    if (client !== undefined && client !== tenant.name) return c.json([], 200);
    const jobs = await listJobs(deps.db, {
      tenantId: tenant.id,
      limit: filters.limit ?? DEFAULT_LIMIT,
      state: filters.state,
      search: filters.search,
      jobIds,
    });
    const positions = await getQueuePositions(deps.db, tenant.id, jobs);
    const texts = jobs.map((job) => toJobJson(job, positions.get(job.id) ?? null));
    return c.body(`[${texts.join(',')}]`, 200, json) as never;
  });

  app.openapi(get, async (c) => {
    const job = await getTenantJob(deps.db, c.get('tenant').id, c.req.valid('param').id);
    if (job === undefined) throw new ApiError(404, 'There is no such job');
    return c.body(toJobJson(job, await getQueuePosition(deps.db, job)), 200, json) as never;
  });
}
