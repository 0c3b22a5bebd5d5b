import { createRoute, z } from '@hono/zod-openapi';
import { JobJson } from '../../src/contract/job-json.ts';
import { DEFAULT_LIMIT } from '../../src/contract/job-list.ts';
import { JOB_ORDERS } from '../../src/domain/job-order.ts';
import { answers, CREDENTIALS } from './answers.ts';
import {
  queryBoolean,
  queryDate,
  queryIds,
  queryInteger,
  queryState,
  queryText,
  queryWord,
} from './parameters.ts';

const MOST_JOBS = 1000;
const MOST_OFFSET = 5000;
const MOST_ID = 999_999_999_999_999;

/** The query of `GET /jobs`. */
const ListQuery = z.object({
  limit: queryInteger(1, MOST_JOBS).openapi({
    description: 'Jobs at most',
    default: DEFAULT_LIMIT,
  }),
  offset: queryInteger(0, MOST_OFFSET).openapi({
    description: 'Jobs to leave out at the beginning. Further on, page by `before` or `after`',
    default: 0,
  }),
  before: queryInteger(0, MOST_ID).openapi({
    description:
      'Only ids below this one: the next page after the last id of a listing. With order_by=id only',
  }),
  after: queryInteger(0, MOST_ID).openapi({
    description: 'Only ids above this one: the next page with asc=1. With order_by=id only',
  }),
  order_by: queryWord(JOB_ORDERS).openapi({
    description:
      'What to sort by. Ties go by id; jobs without a value come last. position: queued jobs as they will start; queue_state: by its number. ' +
      'Texts are compared by their bytes, content_id by its first 200 characters',
    default: 'id',
  }),
  asc: queryBoolean.openapi({
    description: '1: lowest, earliest first',
    default: '0',
  }),
  state: queryState.openapi({
    description:
      'Only jobs in this state: queued 0, started 1, completed 2, pending 3, broken 4, scheduled 5, paused 6; the words are taken too',
  }),
  failed: queryBoolean.openapi({ description: 'Only jobs that failed, or that did not' }),
  persist: queryBoolean.openapi({ description: 'Only jobs that are kept, or that are not' }),
  from: queryDate('from').openapi({
    description: 'Created then or later. A date or a time, UTC; a Z or an offset is taken',
  }),
  to: queryDate('to').openapi({
    description: 'Created before then; a date without a time: until the end of that day',
  }),
  search: queryText(500).openapi({
    description:
      'Text in the content id or any submitted value, in any case of letters, no wildcards. What holds neither three ' +
      'letters or digits in a row nor an end of a word is looked for in the first 5,000 jobs of the listing by id, 1,000 in another order',
  }),
  job_ids: queryIds.openapi({ description: 'Only these jobs, separated by commas' }),
  client: queryText(256).openapi({ description: 'Own name; other clients have no jobs here' }),
});

/** `GET /jobs` for the OpenAPI document. */
export const describeList = createRoute({
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
