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

test.each(Object.keys(ROUTES))('%s answers 200 to its owner', async (route) => {
  const [method, path, body] = ROUTES[route]?.(ownId) ?? ['GET', '/'];
  expect((await api.send(method, path, body, ACME)).status).toBe(200);
});

test.each(['GET /jobs/:id', 'GET /logs/:id'])(
  '%s answers alike for a foreign, an unknown and a malformed id',
  async (route) => {
    const answers = [];
    for (const [headers, id] of [
      [OTHER, ownId],
      [ACME, 999_999],
      [ACME, 'x'],
      [ACME, '-1'],
      [ACME, '1e3'],
      [ACME, '9'.repeat(40)],
    ] as const) {
      const [method, path] = ROUTES[route]?.(id) ?? ['GET', '/'];
      const { status, json } = await api.send(method, path, undefined, headers);
      answers.push({ status, json });
    }
    for (const answer of answers)
      expect(answer).toEqual({ status: 404, json: { error: 'There is no such job' } });
  },
);

test('a client sees its own jobs only, whatever it filters by', async () => {
  for (const query of ['', '?client=acme', '?search=movie', `?job_ids=${ownId}`, '?state=1']) {
    expect((await api.send('GET', `/jobs${query}`, undefined, OTHER)).json).toEqual([]);
  }
});

test('the older form, API-KEY and client in the body, is taken', async () => {
  const body = { client: 'acme', ...(submission() as object) };
  expect((await api.send('POST', '/job', body, { 'API-KEY': 'acme-secret-1' })).status).toBe(200);
});

test('no key is in the database', async () => {
  const { rows } = await import('kysely').then(({ sql }) =>
    sql<{ text: string }>`SELECT api_keys::text AS text FROM api_keys`.execute(api.database.db),
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows)
    expect(row.text).not.toContain(Buffer.from('acme-secret-1').toString('hex'));
});
