import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { toJobJson } from '../../src/contract/job-json.ts';
import { listJobs } from '../../src/store/job-list.ts';
import { getQueuePosition, getTenantJob, type Job } from '../../src/store/jobs.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { answers, CREDENTIALS, JobId, JobJson } from '../openapi/shapes.ts';

const MOST_JOBS = 1000;
const integer = (least: number, most: number) =>
  z.coerce.number({ error: 'must be a number' }).int('must be a whole number').min(least).max(most);

const ListQuery = z.object({
  limit: integer(1, MOST_JOBS).default(10).openapi({ description: 'Jobs at most, newest first' }),
  state: integer(0, 6).optional().openapi({
    description:
      'Only jobs in this state: queued 0, started 1, completed 2, pending 3, broken 4, scheduled 5, paused 6',
  }),
  client: z
    .string()
    .optional()
    .openapi({ description: 'Own name; other clients have no jobs here' }),
  search: z.string().max(500).optional().openapi({
    description: 'Text in the content id or any submitted value, in any case of letters',
  }),
  job_ids: z
    .string()
    .regex(/^\s*\d{1,15}(\s*,\s*\d{1,15})*\s*$/, 'must be ids separated by commas')
    .transform((text) => text.split(',').map(Number))
    .optional()
    .openapi({ type: 'string', example: '1,2,3' }),
});

const list = createRoute({
  method: 'get',
  path: '/jobs',
  summary: 'List jobs, newest first',
  security: CREDENTIALS,
  request: { query: ListQuery },
  responses: answers(z.array(JobJson), [400, 401]),
});

const get = createRoute({
  method: 'get',
  path: '/jobs/{id}',
  summary: 'Show one job',
  security: CREDENTIALS,
  request: { params: z.object({ id: JobId }) },
  responses: answers(JobJson, [401, 404]),
});

const json = { 'content-type': 'application/json' };

/** `GET /jobs` and `GET /jobs/:id`. Texts are joined raw: parameters come back as they were sent. */
export function registerJobs(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const toText = async (job: Job): Promise<string> =>
    toJobJson(job, { position: await getQueuePosition(deps.db, job) }, { withParameters: true });

  app.openapi(list, async (c) => {
    const { limit, state, client, search, job_ids: jobIds } = c.req.valid('query');
    const tenant = c.get('tenant');
    if (client !== undefined && client !== tenant.name) return c.json([], 200);
    const jobs = await listJobs(deps.db, {
      tenantId: tenant.id,
      limit,
      ...(state === undefined ? {} : { state }),
      ...(search === undefined ? {} : { search: search.replaceAll('\u0000', '\uFFFD') }),
      ...(jobIds === undefined ? {} : { jobIds }),
    });
    const texts = await Promise.all(jobs.map(toText));
    return c.body(`[${texts.join(',')}]`, 200, json) as never;
  });

  app.openapi(get, async (c) => {
    const job = await getTenantJob(deps.db, c.get('tenant').id, c.req.valid('param').id);
    if (job === undefined) throw new ApiError(404, 'There is no such job');
    return c.body(await toText(job), 200, json) as never;
  });
}
