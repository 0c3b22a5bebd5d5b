import { createHash } from 'node:crypto';
import { JOB_ORDERS } from '../src/domain/job-order.ts';
import { JOB_STATES } from '../src/domain/job-state.ts';
import { FIRST_JOB, STEP_MS } from './list-jobs.ts';

/** A kind of listing: what is asked at the nth time. */
export interface ListQuery {
  readonly name: string;
  readonly query: (at: number) => Readonly<Record<string, string | number>>;
  /** Documented as one that may take longer: it matches more than can be sorted, far from where it begins. */
  readonly isLimit?: true;
}

const DAY_MS = 86_400_000;

/** The queries to measure over `count` jobs. */
export function listQueries(count: number): readonly ListQuery[] {
  const endMs = FIRST_JOB + count * STEP_MS;
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  // a place in the jobs' time that is another one each time
  const within = (at: number, share = 1): number =>
    FIRST_JOB + ((at * 0.618) % 1) * share * (endMs - FIRST_JOB);
  const hash = (at: number): string =>
    createHash('md5')
      .update(String(1 + Math.floor(((at * 0.618) % 1) * count)))
      .digest('hex');
  const range = (at: number, days: number) => ({
    from: day(within(at, 0.9)),
    to: day(within(at, 0.9) + days * DAY_MS),
  });
  const fixed = (name: string, query: Readonly<Record<string, string | number>>): ListQuery => ({
    name,
    query: () => query,
  });
  const search = (text: string, rest: Readonly<Record<string, string | number>> = {}): ListQuery =>
    fixed(
      [`search "${text}"`, ...Object.entries(rest).map(([key, value]) => `${key} ${value}`)].join(
        ', ',
      ),
      { search: text, ...rest },
    );
  return [
    fixed('no filter', {}),
    { name: 'offset 0 to 5000', query: (at) => ({ offset: (at * 619) % 5000 }) },
    { name: 'before', query: (at) => ({ before: 1 + ((at * 61_803) % count) }) },
    ...JOB_ORDERS.flatMap((order) =>
      [0, 1].map((asc) => fixed(`order_by ${order}, asc ${asc}`, { order_by: order, asc })),
    ),
    ...Object.entries(JOB_STATES).map(([state, number]) =>
      fixed(`state ${state}`, { state: number }),
    ),
    ...[0, 1].flatMap((value) =>
      ['failed', 'persist'].map((name) => fixed(`${name} ${value}`, { [name]: value })),
    ),
    fixed('failed and kept and completed', { failed: 1, persist: 1, state: 2 }),
    fixed('state queued by started_at, asc 1', { state: 0, order_by: 'started_at', asc: 1 }),
    fixed('state completed by position', { state: 2, order_by: 'position' }),
    { name: 'a day', query: (at) => range(at, 0) },
    { name: 'a month', query: (at) => range(at, 30) },
    { name: 'a month, asc 1', query: (at) => ({ ...range(at, 30), asc: 1 }) },
    { name: 'from', query: (at) => ({ from: day(within(at)) }) },
    { name: 'to', query: (at) => ({ to: day(within(at)) }) },
    { name: 'a month, failed', query: (at) => ({ ...range(at, 30), failed: 1 }) },
    { name: 'a month, state queued', query: (at) => ({ ...range(at, 30), state: 0 }) },
    {
      name: 'a month by created_at',
      query: (at) => ({ ...range(at, 30), order_by: 'created_at' }),
    },
    { name: 'a month by priority', query: (at) => ({ ...range(at, 30), order_by: 'priority' }) },
    { name: 'a month by workflow', query: (at) => ({ ...range(at, 30), order_by: 'workflow' }) },
    { name: 'a day by ended_at', query: (at) => ({ ...range(at, 0), order_by: 'ended_at' }) },
    { name: 'a day by content_id', query: (at) => ({ ...range(at, 0), order_by: 'content_id' }) },
    { name: 'a week by updated_at', query: (at) => ({ ...range(at, 6), order_by: 'updated_at' }) },
    {
      name: 'two months by ended_at',
      query: () => ({ to: day(FIRST_JOB + 60 * DAY_MS), order_by: 'ended_at' }),
      isLimit: true,
    },
    {
      name: 'job_ids, 100',
      query: (at) => ({
        job_ids: Array.from({ length: 100 }, (_, n) => 1 + ((at * 61_803 + n * 7919) % count)).join(
          ',',
        ),
      }),
    },
    search('movie'),
    search('harbour', { failed: 1 }),
    search('harbour', { state: 5 }),
    search('MOVIE', { order_by: 'ended_at' }),
    search('season finale'),
    search('season finale', { failed: 1 }),
    search('season finale', { order_by: 'priority', asc: 1 }),
    search('zebrafinch'),
    search('zebrafinch', { order_by: 'content_id' }),
    search('zebrafinch', { failed: 1 }),
    search('nothing like this'),
    { name: 'search by a hash', query: (at) => ({ search: hash(at) }) },
    { name: 'search by part of a hash', query: (at) => ({ search: hash(at).slice(4, 12) }) },
    {
      name: 'search by content id',
      query: (at) => ({ search: `clip-${1 + ((at * 61_803) % count)}` }),
    },
    {
      name: 'search "harbour" in a month',
      query: (at) => ({ search: 'harbour', ...range(at, 30) }),
    },
    search('legacyimport'),
    search('legacyimport', { asc: 1 }),
    search('e'),
    search('qz'),
    search('7', { order_by: 'priority' }),
    search('日本'),
    search('%'),
    search('--', { state: 2 }),
    { ...search('legacyimport', { order_by: 'ended_at' }), isLimit: true },
    { ...search('legacyimport', { state: 0 }), isLimit: true },
    { ...search('the long winter'), isLimit: true },
  ];
}
