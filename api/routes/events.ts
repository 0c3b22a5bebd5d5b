import { setTimeout as delay } from 'node:timers/promises';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { FeedJson, toFeedEventJson } from '../../src/contract/event-feed.ts';
import { type FeedPage, readFeed } from '../../src/store/event-feed.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import { answers, CREDENTIALS } from '../openapi/answers.ts';
import { queryInteger } from '../openapi/parameters.ts';

const DEFAULT_LIMIT = 100;
const MOST_EVENTS = 1000;
const LONGEST_WAIT_SECONDS = 30;
const LOOK_MS = 500;
/** Requests of one client that may wait at once in one process. */
const MOST_WAITING = 10;

const events = createRoute({
  method: 'get',
  path: '/events',
  operationId: 'readEvents',
  summary: "Read the events of all of the client's jobs, for those who cannot be called",
  description:
    'What callbacks tell, in one order, nothing left out: go on with `next` as `after`. With `wait` the answer ' +
    'comes as soon as there is something, or when the time is up.',
  security: CREDENTIALS,
  request: {
    query: z.object({
      after: queryInteger(0, Number.MAX_SAFE_INTEGER).openapi({
        description: 'Only events behind this place',
        default: 0,
      }),
      limit: queryInteger(1, MOST_EVENTS).openapi({
        description: 'Events at most',
        default: DEFAULT_LIMIT,
      }),
      wait: queryInteger(0, LONGEST_WAIT_SECONDS).openapi({
        description: 'Seconds to wait for an event',
        default: 0,
      }),
    }),
  },
  responses: answers('The events', FeedJson, [400, 401, 429]),
});

/** `GET /events`. */
export function registerEvents(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const waiting = new Map<number, number>();

  const read = async (
    tenantId: number,
    query: { readonly after: number; readonly limit: number; readonly waitSeconds: number },
    signal: AbortSignal,
  ): Promise<FeedPage> => {
    const deadline = performance.now() + query.waitSeconds * 1000;
    for (let after = query.after; ; ) {
      const page = await readFeed(deps.db, tenantId, after, query.limit);
      const isOver = performance.now() + LOOK_MS > deadline || signal.aborted;
      if (page.events.length > 0 || isOver) return page;
      // a part without events of this tenant was looked at and need not be again
      if (page.next === after) await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
      after = page.next;
    }
  };

  app.openapi(events, async (c) => {
    const { after = 0, limit = DEFAULT_LIMIT, wait = 0 } = c.req.valid('query');
    const tenantId = c.get('tenant').id;
    const others = waiting.get(tenantId) ?? 0;
    if (wait > 0 && others >= MOST_WAITING) {
      throw new ApiError(429, `${MOST_WAITING} requests of this client wait already`, {
        'retry-after': String(LONGEST_WAIT_SECONDS),
      });
    }
    waiting.set(tenantId, others + 1);
    try {
      const page = await read(tenantId, { after, limit, waitSeconds: wait }, c.req.raw.signal);
      const text = `{"events":[${page.events.map(toFeedEventJson).join(',')}],"next":${page.next}}`;
      return c.body(text, 200, { 'content-type': 'application/json' }) as never;
    } finally {
      const left = (waiting.get(tenantId) ?? 1) - 1;
      if (left > 0) waiting.set(tenantId, left);
      else waiting.delete(tenantId);
    }
  });
}
