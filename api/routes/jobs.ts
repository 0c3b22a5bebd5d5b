import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { toJobListJson } from '../../src/contract/dashboard.ts';
import { JobJson, toJobJson } from '../../src/contract/job-json.ts';
import { toJobFilter } from '../../src/contract/job-list.ts';
import { findWaits } from '../../src/store/folder-waits.ts';
import { listJobs, ListingTooSlowError } from '../../src/store/job-list.ts';
import { getTenantJob } from '../../src/store/jobs.ts';
import { getQueuePosition } from '../../src/store/queue-position.ts';
import { getUndoDeadline } from '../../src/store/undo.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { answers, CREDENTIALS } from '../openapi/answers.ts';
import { describeList } from '../openapi/job-list.ts';
import { JobId } from '../openapi/parameters.ts';

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

/** A listing that took too long: the client can ask for less. */
const refuseSlow = (error: unknown): never => {
  if (!(error instanceof ListingTooSlowError)) throw error;
  throw new ApiError(400, `order_by: ${error.message}`, {}, { cause: error });
};

/** `GET /jobs` and `GET /jobs/:id`. Texts are joined raw: parameters come back as they were sent. */
export function registerJobs(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openapi(describeList, async (c) => {
    const { client, ...query } = c.req.valid('query');
    const tenant = c.get('tenant');
    if (client !== undefined && client !== tenant.name) return c.json([], 200);
    const jobs = await listJobs(deps.db, toJobFilter(query, tenant.id)).catch(refuseSlow);
    const waits = await findWaits(deps.db, tenant.id, jobs);
    return c.body(toJobListJson(jobs, waits), 200, json) as never;
  });

  app.openapi(get, async (c) => {
    const { db } = deps;
    const tenantId = c.get('tenant').id;
    const job = await getTenantJob(db, tenantId, c.req.valid('param').id);
    if (job === undefined) throw new ApiError(404, 'There is no such job');
    const [position, waits, undoUntil] = await Promise.all([
      getQueuePosition(db, job),
      findWaits(db, tenantId, [job]),
      job.endedAt === null ? undefined : getUndoDeadline(db, tenantId, job.id),
    ]);
    const place = { position, wait: waits.get(job.id), undoUntil };
    return c.body(toJobJson(job, place), 200, json) as never;
  });
}
