import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import {
  type ScheduleStatus,
  SchedulerAnswer,
  SchedulerChange,
  SchedulesAnswer,
  toScheduleJson,
} from '../../src/contract/schedules.ts';
import { isSystemAdmin } from '../../src/domain/roles.ts';
import { insertAudit } from '../../src/store/audit.ts';
import { inTransaction } from '../../src/store/db.ts';
import { isScheduleName, SCHEDULE_NAMES } from '../../src/temporal/schedule-definitions.ts';
import { SchedulesUnavailableError } from '../../src/temporal/schedules.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { answers, CREDENTIALS } from '../openapi/answers.ts';
import { parseBody } from '../parse-body.ts';

/** Turns what Temporal does not answer into an answer. */
async function orUnavailable<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof SchedulesUnavailableError)) throw error;
    throw new ApiError(503, `Schedules: ${error.message}`, {}, { cause: error });
  }
}

const list = createRoute({
  method: 'get',
  path: '/schedules',
  operationId: 'listSchedules',
  summary: 'Show the schedules',
  security: CREDENTIALS,
  responses: answers('The schedules by name', SchedulesAnswer, [401, 503]),
});

const change = createRoute({
  method: 'put',
  path: '/scheduler',
  operationId: 'switchSchedule',
  summary: 'Switch a schedule on or off',
  description:
    'For the role system_admin: schedules serve all clients. A switch stays over restarts. ' +
    'Switched off, a run under way is called off too.',
  security: CREDENTIALS,
  request: {
    body: { required: true, content: { 'application/json': { schema: SchedulerChange } } },
  },
  responses: answers('All schedules', SchedulerAnswer, [400, 401, 403, 413, 415, 503]),
});

const named = (schedule: ScheduleStatus) => ({ name: schedule.name, ...toScheduleJson(schedule) });

/** `GET /schedules` and `PUT /scheduler`, as Temporal knows them. */
export function registerSchedules(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const { db, schedules } = deps;
  app.openapi(list, async (c) => {
    const found = await orUnavailable(schedules.list());
    const byName = Object.fromEntries(found.map((one) => [one.name, toScheduleJson(one)]));
    return c.json({ result: 'ok' as const, schedules: byName }, 200) as never;
  });

  app.openAPIRegistry.registerPath(change);
  app.put('/scheduler', async (c) => {
    const { name: actor, roles } = c.get('tenant');
    if (!isSystemAdmin({ roles })) {
      throw new ApiError(403, 'Switching schedules, which serve all, needs the role system_admin');
    }
    const { schedule, active } = parseBody(c, SchedulerChange);
    if (!isScheduleName(schedule)) {
      throw new ApiError(400, `schedule: must be one of ${SCHEDULE_NAMES.join(', ')}`);
    }
    await inTransaction(db, async (transaction) => {
      const detail = { schedule, active };
      await insertAudit(transaction, { tenantId: null, actor, action: 'schedule.switch', detail });
      const note = `Switched ${active ? 'on' : 'off'} by ${actor}`;
      // last, so that a switch that cannot be made leaves no row behind
      await orUnavailable(schedules.setActive(schedule, active, note));
    });
    const found = await orUnavailable(schedules.list());
    return c.json({ result: 'ok', schedules: found.map(named) });
  });
}
