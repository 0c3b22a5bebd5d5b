import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JOB_ORDERS } from '../../src/domain/job-order.ts';
import { createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';

let api: TestApi;
/** Ids in the order of submission: 0 and 1 run, 2 to 9 wait, 10 is scheduled and kept. */
const ids: number[] = [];

beforeAll(async () => {
  api = await createTestApi();
  for (let at = 0; at < 10; at++) {
    const body = submission(
      { content_id: `movie-${at}`, note: `N${at % 2}`, output_folder: `vod/${at}` },
      { priority: 10 - at },
    );
    ids.push((await api.send('POST', '/job', body)).json.id);
  }
  const scheduled = submission(
    { content_id: 'later', custom_data: { deep: ['50%_off\\Größe'] } },
    { run_at: '2099-01-01T00:00:00', persist: 'true' },
  );
  ids.push((await api.send('POST', '/job', scheduled)).json.id);
  // as if each had been submitted on a day of its own, 1 to 11 January
  await sql`
    UPDATE jobs SET created_at = timestamptz '2030-01-01T12:00:00Z' + interval '1 day' * (id - ${ids[0]})`.execute(
    api.database.db,
  );
  await sql`UPDATE jobs SET failed = true WHERE id = ${ids[3]}`.execute(api.database.db);
});

afterAll(() => api.stop());

interface Listed {
  readonly id: number;
  readonly position: number | null;
  readonly top_of_queue: boolean;
  readonly queue_state: string;
  readonly parameters?: unknown;
}

async function list(query: string): Promise<readonly Listed[]> {
  const { status, json } = await api.send('GET', `/jobs?${query}`);
  expect([query, status, json]).toEqual([query, 200, expect.any(Array)]);
  return json as readonly Listed[];
}

/** Places in `ids` of what a query lists. */
const places = async (query: string): Promise<readonly number[]> =>
  (await list(query)).map((job) => ids.indexOf(job.id));

describe('limit', () => {
  test('is 10 by default, newest first', async () => {
    expect(await places('')).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  test('is as many as asked for, up to 1,000', async () => {
    expect(await places('limit=2')).toEqual([10, 9]);
    expect(await places('limit=1000')).toHaveLength(11);
  });
});

describe('order_by and asc', () => {
  test('sort by any property, highest first unless asc is 1', async () => {
    expect(await places('order_by=priority&limit=3')).toEqual([0, 1, 2]);
    expect(await places('order_by=priority&asc=1&limit=3')).toEqual([9, 8, 7]);
    expect(await places('order_by=created_at&asc=1&limit=2')).toEqual([0, 1]);
    expect(await places('ORDER_BY=priority&order_by=CONTENT_ID&limit=1')).toEqual([9]);
  });

  test('jobs without a value come last, whatever the direction', async () => {
    for (const asc of [0, 1]) {
      expect((await places(`order_by=run_at&asc=${asc}&limit=1`))[0]).toBe(10);
      expect(new Set((await places(`order_by=started_at&asc=${asc}`)).slice(0, 2))).toEqual(
        new Set([0, 1]),
      );
    }
  });

  test('ties go by id', async () => {
    expect(await places('order_by=workflow&limit=3')).toEqual([10, 9, 8]);
    expect(await places('order_by=workflow&asc=1&limit=3')).toEqual([0, 1, 2]);
  });

  test('by position: as the jobs will start', async () => {
    const jobs = await list('order_by=position&asc=1&state=0');
    expect(jobs.map((job) => [job.position, job.top_of_queue])).toEqual(
      jobs.map((_, at) => [at + 1, at === 0]),
    );
  });

  test.each(JOB_ORDERS)('order_by=%s is taken', async (order) => {
    expect(await places(`order_by=${order}&limit=1000`)).toHaveLength(11);
  });

  test.each([
    'parameters',
    'search_text',
    'tenant_id',
    'id desc',
    'id;DROP TABLE jobs',
    'id,(SELECT 1)',
    "' OR 1=1 --",
    '(CASE WHEN 1=1 THEN id END)',
    'pg_sleep(10)',
    'jobs.id',
    '1',
    'ıd',
    'id%00',
    '__proto__',
    'constructor',
  ])('order_by=%s is 400 and says what is allowed', async (order) => {
    const { status, json } = await api.send('GET', `/jobs?order_by=${encodeURIComponent(order)}`);
    expect([status, json.error]).toEqual([
      400,
      `order_by: must be one of ${JOB_ORDERS.join(', ')}`,
    ]);
  });
});

describe('state', () => {
  test('narrows by number, 0 to 6, and by word', async () => {
    expect(await places('state=1')).toEqual([1, 0]);
    expect(await places('state=5')).toEqual([10]);
    expect(await places('state=scheduled')).toEqual([10]);
    expect(await places('state=Queued')).toEqual([9, 8, 7, 6, 5, 4, 3, 2]);
    for (const state of [2, 3, 4, 6]) expect(await places(`state=${state}`)).toEqual([]);
  });
});

describe('from and to', () => {
  test('are dates of creation: from a day on, to the end of a day', async () => {
    expect(await places('from=2030-01-10')).toEqual([10, 9]);
    expect(await places('to=2030-01-02')).toEqual([1, 0]);
    expect(await places('from=2030-01-03&to=2030-01-04')).toEqual([3, 2]);
    expect(await places('from=2030-01-04&to=2030-01-03')).toEqual([]);
  });

  test('a time is from then on, and before then', async () => {
    expect(await places('from=2030-01-11T12:00:00.000')).toEqual([10]);
    expect(await places('from=2030-01-11T12:00:00.001Z')).toEqual([]);
    expect(await places('to=2030-01-01T12:00:00')).toEqual([]);
    expect(await places('to=2030-01-01T14:00:01%2B02:00')).toEqual([0]);
    expect(await places('to=2030-01-01T14:00:01+02:00')).toEqual([0]);
  });

  test('may be as far away as years have four digits', async () => {
    expect(await places('from=0000-01-01&to=9999-12-31&limit=2')).toEqual([10, 9]);
    expect(await places('from=9999-12-31T23:59:59.999-23:59')).toEqual([]);
    expect(await places('to=0000-01-01T00:00:00%2B23:59')).toEqual([]);
  });

  test('hold in any order', async () => {
    const range = 'from=2030-01-03&to=2030-01-06';
    for (const order of JOB_ORDERS) {
      expect([
        order,
        [...(await places(`${range}&order_by=${order}`))].toSorted((a, b) => a - b),
      ]).toEqual([order, [2, 3, 4, 5]]);
    }
  });
});

describe('failed and persist', () => {
  test.each(['1', 'true', 'TRUE'])('%s is true', async (value) => {
    expect(await places(`failed=${value}`)).toEqual([3]);
    expect(await places(`persist=${value}`)).toEqual([10]);
  });

  test.each(['0', 'false', 'False'])('%s is false', async (value) => {
    expect(await places(`failed=${value}&limit=1000`)).not.toContain(3);
    expect(await places(`persist=${value}&limit=1000`)).toHaveLength(10);
  });
});

describe('search', () => {
  const found = (text: string) => places(`limit=1000&search=${encodeURIComponent(text)}`);

  test('looks through the content id and all submitted values, in any case of letters', async () => {
    expect(await found('MOVIE-7')).toEqual([7]);
    expect(await found('n1')).toEqual([9, 7, 5, 3, 1]);
    expect(await found('in/movie')).toHaveLength(11);
    expect(await found('GRÖSSE')).toEqual([]);
    expect(await found('GRÖßE')).toEqual([10]);
  });

  test('has no wildcards', async () => {
    expect(await found('50%_off')).toEqual([10]);
    expect(await found('50%off')).toEqual([]);
    expect(await found('50__off')).toEqual([]);
    expect(await found('movie_7')).toEqual([]);
    expect(await found('off\\grö')).toEqual([10]);
    for (const text of ['%', '_', '\\']) expect([text, await found(text)]).toEqual([text, [10]]);
  });

  test('takes anything for text: quotes, control characters, NUL, half of a character, 500 of them', async () => {
    for (const text of ["' OR 1=1 --", '"; DROP TABLE jobs; --', '\u0000', '\r\n\t', '$1', '😀'])
      expect([text, await found(text)]).toEqual([text, []]);
    expect(await places('search=%ED%A0%80')).toEqual([]);
    expect(await found('x'.repeat(500))).toEqual([]);
    expect((await api.send('GET', `/jobs?search=${'x'.repeat(501)}`)).json.error).toBe(
      'search: must have 500 characters at most',
    );
  });

  test('goes with every other filter and order', async () => {
    expect(await places('search=movie-&failed=1')).toEqual([3]);
    expect(await places('search=movie-&state=0&order_by=priority&asc=1&limit=2')).toEqual([9, 8]);
    expect(await places('search=movie-&from=2030-01-05&to=2030-01-06')).toEqual([5, 4]);
    expect(await places(`search=movie-4&job_ids=${ids[4]},${ids[5]}`)).toEqual([4]);
  });
});

describe('job_ids', () => {
  test('are separated by commas; unknown and foreign ones are left out', async () => {
    const foreign = (await api.send('POST', '/job', submission(), OTHER)).json.id;
    expect(await places(`job_ids=${ids[2]},%20${ids[7]},999999,${foreign}`)).toEqual([7, 2]);
    expect(await places(`job_ids=${ids[2]},${ids[7]}&order_by=priority`)).toEqual([2, 7]);
  });
});

describe('client', () => {
  test('the own name lists all; another has no jobs here', async () => {
    expect(await places('client=acme&limit=1')).toEqual([10]);
    expect(await list('client=other')).toEqual([]);
    expect(await list('client=nobody')).toEqual([]);
  });
});

describe('paging', () => {
  test('offset leaves out the first, in any order', async () => {
    expect(await places('limit=3&offset=8')).toEqual([2, 1, 0]);
    expect(await places('order_by=priority&limit=2&offset=1')).toEqual([1, 2]);
    expect(await places('offset=5000')).toEqual([]);
  });

  test('before and after page by id to either end', async () => {
    expect(await places(`before=${ids[2]}`)).toEqual([1, 0]);
    expect(await places(`after=${ids[8]}`)).toEqual([10, 9]);
    expect(await places(`after=${ids[2]}&asc=1&limit=2`)).toEqual([3, 4]);
    expect(await places(`after=${ids[2]}&before=${ids[5]}&state=0`)).toEqual([4, 3]);
  });

  test.each(['before', 'after'])('%s with another order is 400', async (cursor) => {
    const { status, json } = await api.send('GET', `/jobs?${cursor}=5&order_by=priority`);
    expect([status, json.error]).toEqual([
      400,
      `${cursor}: goes with order_by=id only; in another order, page by offset`,
    ]);
  });
});

test('a blank filter is no filter', async () => {
  const blank = [
    'limit',
    'offset',
    'before',
    'after',
    'order_by',
    'asc',
    'state',
    'failed',
    'persist',
    'from',
    'to',
    'search',
    'job_ids',
    'client',
  ];
  expect(await places(blank.map((name) => `${name}=`).join('&'))).toEqual(await places(''));
});

test('a listing leaves parameters and undo_until out and has everything else of a job', async () => {
  const [listed] = await list('limit=1');
  const { parameters, undo_until, ...job } = (await api.send('GET', `/jobs/${listed?.id}`)).json;
  expect(listed).toEqual(job);
  expect(parameters).toBeDefined();
  expect(undo_until).toBeNull();
});

test.each([
  'limit=0',
  'limit=1001',
  'limit=-1',
  'limit=1e9',
  'limit=ten',
  'offset=-1',
  'offset=5001',
  'before=x',
  'after=1.5',
  'asc=2',
  'asc=up',
  'state=7',
  'state=-1',
  'state=done',
  'failed=maybe',
  'persist=2',
  'from=yesterday',
  'from=2030-02-30',
  'to=31.01.2030',
  'to=2030-01-31T25:00',
  'job_ids=1;2',
  'job_ids=1,,2',
  'job_ids=x',
  'limit=1&limit=2',
  'search=a&search=b',
])('%s is 400 and names the filter', async (query) => {
  const { status, json } = await api.send('GET', `/jobs?${query}`);
  expect([query, status, json.error]).toEqual([
    query,
    400,
    expect.stringMatching(new RegExp(`^${query.split('=')[0]}: (?:must|may) `)),
  ]);
});
