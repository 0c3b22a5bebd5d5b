import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { Accepted } from '../../src/contract/answers.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import { jobStateName } from '../../src/domain/job-state.ts';
import type { Db } from '../../src/store/db.ts';
import { type UndoOutcome, undoJob } from '../../src/store/undo.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { answers, CREDENTIALS } from '../openapi/answers.ts';
import { JobId } from '../openapi/parameters.ts';
import { idempotencyKey, makeJobOnce } from '../submission/idempotency.ts';

const undo = createRoute({
  method: 'post',
  path: '/jobs/{id}/undo',
  operationId: 'undoJob',
  summary: 'Take the publication of a job back: the former one of the asset is on air again',
  description:
    'Makes a job, which tells the callbacks of the original. Possible for the last publication of an asset, within ' +
    '`undo_window` seconds. With `Idempotency-Key` the same request within 24 hours gets the same answer.',
  security: CREDENTIALS,
  request: {
    params: z.object({ id: JobId }),
    headers: z.object({ 'idempotency-key': z.string().optional() }),
  },
  responses: answers('The new job', Accepted, [400, 401, 404, 409, 413, 415, 429]),
});

/** `POST /jobs/:id/undo`. */
export function registerUndo(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openapi(undo, async (c) => {
    const { id } = c.req.valid('param');
    const tenant = c.get('tenant');
    const key = idempotencyKey(c);
    const make = async (db: Db): Promise<number> =>
      acceptedOrThrow(id, await undoJob(db, tenant.id, id));
    const jobId =
      key === undefined ? await make(deps.db) : (await makeJobOnce(c, deps.db, key, make)).jobId;
    deps.admitter.request(tenant.id);
    return c.json({ id, job_id: jobId, result: 'accepted' as const }, 200);
  });
}

const refuse = (message: string): ApiError => new ApiError(409, message);

/** The new job, or the reason why there is none. */
function acceptedOrThrow(id: number, outcome: UndoOutcome): number {
  switch (outcome.kind) {
    case 'accepted':
      return outcome.jobId;
    case 'unknown':
      throw new ApiError(404, 'There is no such job');
    case 'open':
      throw refuse(
        `Job ${id} is ${jobStateName(outcome.state)}; only what a job that has ended published is undone`,
      );
    case 'unpublished':
      throw refuse(`Job ${id} has published nothing that is on air`);
    case 'replaced':
      throw refuse(
        `Job ${outcome.jobId} has published this asset after job ${id}; only the last publication is undone`,
      );
    case 'nothing':
      throw refuse(
        `Nothing is kept that was on air before job ${id}: it was the first to publish the asset, the time of the setting undo_window is over, or another job has published since`,
      );
    case 'undone':
      throw refuse(
        outcome.isOpen
          ? `Job ${outcome.jobId} is undoing job ${id} already`
          : `Job ${id} was undone already, by job ${outcome.jobId}`,
      );
    default:
      return assertNever(outcome);
  }
}
