import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { Changed, Rerun } from '../../src/contract/answers.ts';
import { describeChange, JobChangeJson, toJobChange } from '../../src/contract/job-change.ts';
import { storageDefaults } from '../../src/contract/storage-defaults.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import { jobStateName } from '../../src/domain/job-state.ts';
import { changeJob } from '../../src/store/job-changes.ts';
import type { Job } from '../../src/store/jobs.ts';
import type { Db } from '../../src/store/db.ts';
import { type RerunOutcome, rerunJob } from '../../src/store/rerun.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { claimsAgain } from '../submission/folders.ts';
import { idempotencyKey, makeJobOnce } from '../submission/idempotency.ts';
import { answers, CREDENTIALS } from '../openapi/answers.ts';
import { JobId } from '../openapi/parameters.ts';

const change = createRoute({
  method: 'patch',
  path: '/jobs/{id}',
  operationId: 'changeJob',
  summary: 'Pause, put back, give up, reschedule or reprioritise a job',
  description:
    'All of the changes or none. A running job obeys a pause before its next task and keeps its slot until then; ' +
    'one that is given up is stopped and ends as failed. Any other field is refused.',
  security: CREDENTIALS,
  request: {
    params: z.object({ id: JobId }),
    body: { required: true, content: { 'application/json': { schema: JobChangeJson } } },
  },
  responses: answers('The job is changed', Changed, [400, 401, 404, 413, 415, 429]),
});

const replace = {
  ...change,
  method: 'put',
  operationId: 'replaceJob',
  summary: 'The same as PATCH',
} as const;

const rerun = createRoute({
  method: 'post',
  path: '/jobs/{id}/rerun',
  operationId: 'rerunJob',
  summary: 'Run a job that has ended again, as a new job with the same parameters',
  description:
    'The original becomes broken. A job is run again once; then run the new one again. ' +
    'With `Idempotency-Key` the same request within 24 hours gets the same answer.',
  security: CREDENTIALS,
  request: {
    params: z.object({ id: JobId }),
    headers: z.object({ 'idempotency-key': z.string().optional() }),
  },
  responses: answers('The new job', Rerun, [400, 401, 404, 409, 413, 415, 429]),
});

/** `PATCH` and `PUT /jobs/:id`, `POST /jobs/:id/rerun`. */
export function registerJobChanges(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  for (const definition of [change, replace]) {
    app.openAPIRegistry.registerPath(definition);
    app.on(definition.method.toUpperCase(), '/jobs/:id', async (c) => {
      const jobId = JobId.parse(c.req.param('id'));
      const tenant = c.get('tenant');
      const wanted = toJobChange(c.get('body')?.value, (url) =>
        deps.checkUrl(url, tenant.allowedNetworks),
      );
      const job = { tenantId: tenant.id, jobId };
      const state = await changeJob(deps.db, job, wanted, (now) => describeChange(wanted, now));
      if (state === undefined) throw new ApiError(404, 'There is no such job');
      return c.json({ id: jobId, result: describeChange(wanted, state) });
    });
  }

  app.openapi(rerun, async (c) => {
    const { id } = c.req.valid('param');
    const tenant = c.get('tenant');
    const key = idempotencyKey(c);
    const claimsOf = (job: Pick<Job, 'workflow' | 'parameters'>) =>
      claimsAgain({ ...job, id: 0, tenant: tenant.name }, storageDefaults(tenant), (kind, side) =>
        deps.findPlace(tenant, kind, side),
      );
    let isQueued = false;
    const make = async (db: Db): Promise<number> => {
      const made = acceptedOrThrow(id, await rerunJob(db, tenant.id, id, claimsOf));
      isQueued = made.isQueued;
      return made.jobId;
    };
    const jobId =
      key === undefined ? await make(deps.db) : (await makeJobOnce(c, deps.db, key, make)).jobId;
    if (isQueued) deps.admitter.request(tenant.id);
    return c.json({ id: jobId, result: 'accepted' as const }, 200);
  });
}

/** The new job, or the reason why there is none. */
function acceptedOrThrow(
  id: number,
  outcome: RerunOutcome,
): { readonly jobId: number; readonly isQueued: boolean } {
  switch (outcome.kind) {
    case 'accepted':
      return outcome;
    case 'unknown':
      throw new ApiError(404, 'There is no such job');
    case 'open':
      throw new ApiError(
        409,
        `Job ${id} is ${jobStateName(outcome.state)}; only a job that has ended is run again`,
      );
    case 'repeated':
      throw new ApiError(409, `Job ${id} was run again already, as job ${outcome.jobId}`);
    default:
      return assertNever(outcome);
  }
}
