import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACME, createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';

let api: TestApi;
let ownId: number;

beforeAll(async () => {
  api = await createTestApi();
  ownId = (await api.send('POST', '/job', submission())).json.id;
});

afterAll(() => api.stop());

/** Every route that needs credentials, with a request that would succeed. A new route needs a row. */
const ROUTES: Readonly<
  Record<string, (id: number | string) => readonly [string, string, unknown?]>
> = {
  'POST /job': () => ['POST', '/job', submission()],
  'GET /health': () => ['GET', '/health'],
  'GET /jobs': () => ['GET', '/jobs'],
  'GET /jobs/:id': (id) => ['GET', `/jobs/${id}`],
  'PATCH /jobs/:id': (id) => ['PATCH', `/jobs/${id}`, { persist: false }],
  'PUT /jobs/:id': (id) => ['PUT', `/jobs/${id}`, { persist: true }],
  'POST /jobs/:id/rerun': (id) => ['POST', `/jobs/${id}/rerun`],
  'POST /jobs/:id/undo': (id) => ['POST', `/jobs/${id}/undo`],
  'GET /jobs/:id/callbacks': (id) => ['GET', `/jobs/${id}/callbacks`],
  'POST /jobs/:id/callbacks/replay': (id) => ['POST', `/jobs/${id}/callbacks/replay`, {}],
  'POST /callbacks/replay': () => ['POST', '/callbacks/replay', { from: '2001-01-01' }],
  'GET /events': () => ['GET', '/events'],
  'GET /logs/:id': (id) => ['GET', `/logs/${id}`],
  'GET /dashboard': () => ['GET', '/dashboard'],
  'GET /schedules': () => ['GET', '/schedules'],
  'PUT /scheduler': () => ['PUT', '/scheduler', { schedule: 'clear_jobs', active: true }],
  'GET /settings': () => ['GET', '/settings'],
  'POST /settings': () => ['POST', '/settings', { name: 'max_jobs', setting: 3 }],
  'PUT /settings/caps': () => ['PUT', '/settings/caps', { name: 'max_jobs', most: 10 }],
};
const OPEN = [
  'GET /',
  'GET /docs',
  'GET /docs/start.js',
  'GET /docs/swagger-ui.css',
  'GET /docs/swagger-ui-bundle.js',
  'GET /health/live',
  'GET /health/ready',
  'GET /openapi.json',
];

const WRONG: Readonly<Record<string, Record<string, string>>> = {
  'no headers': {},
  'the key only': { 'api-key': 'acme-secret-1' },
  'the client only': { client: 'acme' },
  'a wrong key': { client: 'acme', 'api-key': 'wrong' },
  'the key of another client': { client: 'acme', 'api-key': 'other-secret-1' },
  'an unknown client': { client: 'nobody', 'api-key': 'acme-secret-1' },
  'an empty key': { client: 'acme', 'api-key': '' },
  'a key of 10 KB': { client: 'acme', 'api-key': 'x'.repeat(10_000) },
  'two keys in one header': { client: 'acme', 'api-key': 'acme-secret-1, acme-secret-1' },
  'a bearer token': { client: 'acme', authorization: 'Bearer acme-secret-1' },
  'another case of the client': { client: 'ACME', 'api-key': 'acme-secret-1' },
};

test('the matrix knows every route of the app', () => {
  const routes = api.app.routes
    .filter((route) => route.method !== 'ALL')
    .map((route) => `${route.method} ${route.path}`);
  expect([...new Set(routes)].sort()).toEqual([...Object.keys(ROUTES), ...OPEN].sort());
});

test.each(Object.keys(ROUTES))(
  '%s answers 401 with one and the same body to all wrong credentials',
  async (route) => {
    for (const [name, headers] of Object.entries(WRONG)) {
      const [method, path, body] = ROUTES[route]?.(ownId) ?? ['GET', '/'];
      const answer = await api.send(method, path, body, headers);
      expect([name, answer.status, answer.json]).toEqual([
        name,
        401,
        { error: 'Headers client and api-key must name a client and one of its keys' },
      ]);
    }
  },
);

/** What its owner gets where that is not 200: the job of the matrix has not ended. */
const OWN_STATUS: Readonly<Record<string, number>> = {
  'POST /jobs/:id/rerun': 409,
  'POST /jobs/:id/undo': 409,
};

test.each(Object.keys(ROUTES))('%s answers its owner', async (route) => {
  const [method, path, body] = ROUTES[route]?.(ownId) ?? ['GET', '/'];
  const { status, text } = await api.send(method, path, body, ACME);
  expect([status, text]).toEqual([OWN_STATUS[route] ?? 200, text]);
});

const WITH_ID = Object.keys(ROUTES).filter((route) => route.includes('/:id'));

/** A job as its owner sees it, with its log. */
const shown = async (): Promise<readonly string[]> => [
  (await api.send('GET', `/jobs/${ownId}`)).text,
  (await api.send('GET', `/logs/${ownId}?show_all=1`)).text,
];

test.each(WITH_ID)(
  '%s answers alike for a foreign, an unknown and a malformed id, and does nothing',
  async (route) => {
    const before = await shown();
    const answers = [];
    for (const [headers, id] of [
      [OTHER, ownId],
      [ACME, 999_999],
      [OTHER, 999_999],
      [ACME, 'x'],
      [ACME, '-1'],
      [ACME, '0'],
      [ACME, '1e3'],
      [ACME, '1.5'],
      [ACME, '%00'],
      [ACME, `${ownId}%20`],
      [ACME, '9'.repeat(40)],
    ] as const) {
      const [method, path, body] = ROUTES[route]?.(id) ?? ['GET', '/'];
      const { status, json } = await api.send(method, path, body, headers);
      answers.push({ id, status, json });
    }
    for (const { id, ...answer } of answers) {
      expect({ id, ...answer }).toEqual({
        id,
        status: 404,
        json: { error: 'There is no such job' },
      });
    }
    expect(await shown()).toEqual(before);
  },
);

/** What only the engine may write, with a value that would show. */
const OWNED_BY_ENGINE: Readonly<Record<string, unknown>> = {
  id: 4711,
  tenant: 'other',
  tenant_id: 2,
  failed: true,
  created_at: '2001-01-01T00:00:00.000Z',
  updated_at: '2001-01-01T00:00:00.000Z',
  started_at: '2001-01-01T00:00:00.000Z',
  ended_at: '2001-01-01T00:00:00.000Z',
  position: 1,
  top_of_queue: true,
  workflow: 'voddelete',
  content_id: 'another',
  parameters: { source_folder: 'elsewhere' },
  custom_data: {},
  message: 'done',
  result: {},
  is_leaving: true,
  rerun_of: 1,
  dispatched_at: null,
  constructor: 1,
};

test.each(['PATCH', 'PUT'])(
  '%s refuses every field that is not a client’s, alone and beside one that is',
  async (method) => {
    const before = await shown();
    for (const [name, value] of Object.entries(OWNED_BY_ENGINE)) {
      for (const body of [{ [name]: value }, { priority: 2, [name]: value }]) {
        const answer = await api.send(method, `/jobs/${ownId}`, body);
        expect([name, answer.status, answer.json.error]).toEqual([
          name,
          400,
          expect.stringContaining(name),
        ]);
      }
    }
    expect(await shown()).toEqual(before);
  },
);

test.each(['PATCH', 'PUT'])('%s sets no state that is the engine’s to set', async (method) => {
  const before = await shown();
  const refused = [1, 2, 3, 5, '1', '2', '3', '5', 'started', 'completed', 'pending', 'scheduled'];
  for (const state of [...refused, -1, 7, 0.5, true, null, [], {}, 'PAUSED', 'unknown', '']) {
    const answer = await api.send(method, `/jobs/${ownId}`, { queue_state: state });
    expect([state, answer.status, answer.json.error]).toEqual([
      state,
      400,
      expect.stringContaining('queue_state'),
    ]);
  }
  expect(await shown()).toEqual(before);
});

test('PATCH and PUT do not take another client’s name in the body', async () => {
  for (const method of ['PATCH', 'PUT']) {
    const body = { client: 'other', priority: 2 };
    expect((await api.send(method, `/jobs/${ownId}`, body)).status).toBe(401);
  }
});

test('POST /job takes nothing of the engine’s from a submission', async () => {
  const answer = await api.send(
    'POST',
    '/job',
    submission({}, { ...OWNED_BY_ENGINE, workflow: 'vodstream', queue_state: 2 }),
  );
  expect(answer.status).toBe(200);
  expect(answer.json.id).not.toBe(4711);
  const job = (await api.send('GET', `/jobs/${answer.json.id}`)).json;
  expect(job).toMatchObject({ client: 'acme', failed: false, content_id: 'movie', ended_at: null });
  expect(['queued', 'started']).toContain(job.queue_state);
  expect(job.created_at > '2020').toBe(true);
  expect((await api.send('GET', `/jobs/${answer.json.id}`, undefined, OTHER)).status).toBe(404);
});

const WITH_BODY = Object.keys(ROUTES).filter((route) => !route.startsWith('GET '));

test.each(WITH_BODY)('%s takes the older credentials with the same checks', async (route) => {
  const [method, path, body] = ROUTES[route]?.(ownId) ?? ['POST', '/job'];
  const named = (client: string): unknown => ({ ...(body as object), client });
  const answers = [
    await api.send(method, path, named('acme'), { 'API-KEY': 'wrong' }),
    await api.send(method, path, named('other'), { 'API-KEY': 'acme-secret-1' }),
    await api.send(method, path, named('acme'), { ...OTHER, client: 'other' }),
    await api.send(method, path, named('nobody'), { 'API-KEY': 'acme-secret-1' }),
    await api.send(method, path, { client: ['acme'] }, { 'API-KEY': 'acme-secret-1' }),
  ];
  expect(answers.map((answer) => answer.status)).toEqual([401, 401, 401, 401, 401]);
  const taken = await api.send(method, path, named('acme'), { 'API-KEY': 'acme-secret-1' });
  expect([taken.status, taken.text]).toEqual([OWN_STATUS[route] ?? 200, taken.text]);
});

test('the historical spelling of semaphore_url is judged as the right one is', async () => {
  for (const url of ['ftp://example.com/', 'http://169.254.169.254/latest', 'no url']) {
    const errors = [];
    for (const name of ['semaphore_url', 'sempahore_url']) {
      const { status, json } = await api.send('PATCH', `/jobs/${ownId}`, { [name]: url });
      errors.push({ status, error: json.error.replace(/^sem\w+/, 'url') });
    }
    expect(errors[0]).toEqual(errors[1]);
    expect(errors[0]?.status).toBe(400);
  }
});

test('a client sees its own jobs only, whatever it filters by', async () => {
  for (const query of ['', '?client=acme', '?search=movie', `?job_ids=${ownId}`, '?state=1']) {
    expect((await api.send('GET', `/jobs${query}`, undefined, OTHER)).json).toEqual([]);
  }
});

test('no key is in the database', async () => {
  const { rows } = await import('kysely').then(({ sql }) =>
    sql<{ text: string }>`SELECT api_keys::text AS text FROM api_keys`.execute(api.database.db),
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows)
    expect(row.text).not.toContain(Buffer.from('acme-secret-1').toString('hex'));
});
