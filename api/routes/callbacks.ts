import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { LedgerJson, toCallbackEventJson } from '../../src/contract/ledger-json.ts';
import { JobReplay, RangeReplay, ReplayAnswer } from '../../src/contract/replay.ts';
import { callbackId } from '../../src/domain/callback.ts';
import { maskUrl } from '../../src/domain/mask.ts';
import { insertAudit } from '../../src/store/audit.ts';
import { inTransaction } from '../../src/store/db.ts';
import { getTenantJob } from '../../src/store/jobs.ts';
import { listLedger, MOST_LEDGER_EVENTS } from '../../src/store/ledger.ts';
import {
  MOST_REPLAYED,
  replayDeliveries,
  type Replayed,
  type ReplaySelection,
} from '../../src/store/replay.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { answers, CREDENTIALS } from '../openapi/answers.ts';
import { JobId, queryInteger } from '../openapi/parameters.ts';
import { parseBody } from '../parse-body.ts';

const ledger = createRoute({
  method: 'get',
  path: '/jobs/{id}/callbacks',
  operationId: 'listCallbacks',
  summary: "Show a job's callbacks with every attempt to deliver them",
  security: CREDENTIALS,
  request: {
    params: z.object({ id: JobId }),
    query: z.object({
      after: queryInteger(0, Number.MAX_SAFE_INTEGER).openapi({
        description: 'Only events behind this seq',
        default: 0,
      }),
    }),
  },
  responses: answers('The events in their order', LedgerJson, [400, 401, 404]),
});

const replayJob = createRoute({
  method: 'post',
  path: '/jobs/{id}/callbacks/replay',
  operationId: 'replayJobCallbacks',
  summary: "Send a job's callbacks again",
  description:
    'Those that were given up, parked or stopped, and at once those that wait; delivered ones only with force. ' +
    'They keep their ids and bodies, begin a new schedule, and go before newer events of the job.',
  security: CREDENTIALS,
  request: {
    params: z.object({ id: JobId }),
    body: { required: false, content: { 'application/json': { schema: JobReplay } } },
  },
  responses: answers('What was found', ReplayAnswer, [400, 401, 404, 413, 415]),
});

const replayRange = createRoute({
  method: 'post',
  path: '/callbacks/replay',
  operationId: 'replayCallbacks',
  summary: "Send the callbacks of all of the client's jobs in a range of time again",
  security: CREDENTIALS,
  request: { body: { required: true, content: { 'application/json': { schema: RangeReplay } } } },
  responses: answers('What was found', ReplayAnswer, [400, 401, 413, 415]),
});

const toAnswer = (replayed: Replayed): z.infer<typeof ReplayAnswer> => ({
  result: 'ok',
  ...replayed,
  more: replayed.replayed + replayed.hurried >= MOST_REPLAYED,
});

/** `GET /jobs/:id/callbacks`, `POST /jobs/:id/callbacks/replay`, `POST /callbacks/replay`. */
export function registerCallbacks(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const { db } = deps;
  app.openapi(ledger, async (c) => {
    const job = await getTenantJob(db, c.get('tenant').id, c.req.valid('param').id);
    if (job === undefined) throw new ApiError(404, 'There is no such job');
    const events = await listLedger(db, job.id, c.req.valid('query').after ?? 0);
    const next = events.length === MOST_LEDGER_EVENTS ? (events.at(-1)?.eventId ?? null) : null;
    const text = `{"job_id":${job.id},"events":[${events.map(toCallbackEventJson).join(',')}],"next":${next}}`;
    return c.body(text, 200, { 'content-type': 'application/json' }) as never;
  });

  app.openAPIRegistry.registerPath(replayJob);
  app.post('/jobs/:id/callbacks/replay', async (c) => {
    const tenant = c.get('tenant');
    const job = await getTenantJob(db, tenant.id, JobId.parse(c.req.param('id')));
    if (job === undefined) throw new ApiError(404, 'There is no such job');
    const { event, url, force } = parseBody(c, JobReplay.prefault({}));
    if (event !== undefined && event.jobId !== job.id) {
      throw new ApiError(400, `event: belongs to job ${event.jobId}, not to job ${job.id}`);
    }
    const selection = { tenantId: tenant.id, jobId: job.id, event, url, withDelivered: force };
    return c.json(toAnswer(await replay(tenant.name, selection)));
  });

  app.openAPIRegistry.registerPath(replayRange);
  app.post('/callbacks/replay', async (c) => {
    const tenant = c.get('tenant');
    const { from, to, url, force } = parseBody(c, RangeReplay);
    const selection = { tenantId: tenant.id, from, to, url, withDelivered: force };
    return c.json(toAnswer(await replay(tenant.name, selection)));
  });

  const replay = (actor: string, selection: ReplaySelection): Promise<Replayed> =>
    inTransaction(db, async (transaction) => {
      const replayed = await replayDeliveries(transaction, selection);
      const { tenantId, event, url, ...rest } = selection;
      const detail = {
        ...rest,
        ...(event === undefined ? {} : { event: callbackId({ jobId: rest.jobId ?? 0, ...event }) }),
        ...(url === undefined ? {} : { url: maskUrl(url) }),
        ...replayed,
      };
      await insertAudit(transaction, { tenantId, actor, action: 'callbacks.replay', detail });
      return replayed;
    });
}
