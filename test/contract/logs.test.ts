import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertLog } from '../../src/store/logs.ts';
import { ACME, createTestApi, submission, type TestApi } from '../helpers/api.ts';

const ATTACK = `<img src=x onerror="alert(1)"><script>alert('2')</script>&amp;\u0000`;
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

let api: TestApi;
let id = 0;

beforeAll(async () => {
  api = await createTestApi();
  id = (await api.send('POST', '/job', submission({ content_id: 'a<i>b' }))).json.id;
  const add = (message: string, rest: object): Promise<void> =>
    insertLog(api.database.db, {
      jobId: id,
      severity: 'INFO',
      progname: 'worker',
      message,
      ...rest,
    });
  await add(ATTACK, { severity: 'ERROR', taskId: id * 1000 + 1 });
  await add('out of sight', { isVisible: false, severity: 'DEBUG', progname: 'callback' });
});

afterAll(() => api.stop());

const get = (query = '', accept?: string) =>
  api.send('GET', `/logs/${id}${query}`, undefined, {
    ...ACME,
    ...(accept === undefined ? {} : { accept }),
  });

describe('rows', () => {
  test('have the fields of the contract, oldest first', async () => {
    const rows = (await get()).json;
    expect(rows.map((row: { id: number }) => row.id)).toEqual(
      rows.map((row: { id: number }) => row.id).toSorted((a: number, b: number) => a - b),
    );
    expect(rows.at(-1)).toEqual({
      id: expect.any(Number),
      job_id: id,
      severity: 3,
      severity_description: 'ERROR',
      progname: 'worker',
      message: ATTACK.replace('\u0000', '\uFFFD'),
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: expect.stringMatching(/Z$/),
      task_id: id * 1000 + 1,
      visible: true,
    });
  });

  test.each(['1', 'true'])('show_all=%s adds rows with visible: false', async (value) => {
    const rows = (await get(`?show_all=${value}`)).json;
    expect(rows.at(-1)).toMatchObject({ message: 'out of sight', visible: false });
  });

  test.each(['', '?show_all=', '?show_all=0', '?show_all=false'])(
    '%j shows visible rows only',
    async (query) => {
      const rows = (await get(query)).json;
      expect(rows.every((row: { visible: boolean }) => row.visible)).toBe(true);
    },
  );

  test('show_all=2 is 400 and names it', async () => {
    const { status, json } = await get('?show_all=2');
    expect([status, json.error]).toEqual([400, 'show_all: must be true or false, or 1 or 0']);
  });
});

describe('negotiation', () => {
  test.each([
    undefined,
    '*/*',
    'application/json',
    'application/json, text/html;q=0.9',
    'image/png',
  ])('Accept %s gets JSON', async (accept) => {
    const { headers } = await get('', accept);
    expect([headers.get('content-type'), headers.get('vary')]).toEqual([
      'application/json',
      'Accept',
    ]);
  });

  test.each([BROWSER, 'text/html', 'application/json;q=0.5,text/html'])(
    'Accept %s gets a page',
    async (accept) => {
      const { headers } = await get('', accept);
      expect([headers.get('content-type'), headers.get('vary')]).toEqual([
        'text/html; charset=UTF-8',
        'Accept',
      ]);
    },
  );

  test('errors are JSON for everybody', async () => {
    const answer = await api.send('GET', '/logs/999999', undefined, { ...ACME, accept: BROWSER });
    expect([answer.status, answer.json]).toEqual([404, { error: 'There is no such job' }]);
  });
});

describe('the page', () => {
  test('may load, run and send nothing; its one style is known by its hash', async () => {
    const { headers } = await get('', 'text/html');
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('escapes what clients and tools wrote', async () => {
    const { text } = await get('', 'text/html');
    expect(text).toContain('a&lt;i&gt;b');
    expect(text).toContain('&lt;script&gt;alert(&#39;2&#39;)&lt;/script&gt;&amp;amp;');
    expect(text).not.toMatch(/<script|<img|<i>|onerror="/);
  });

  test('links to all rows and back', async () => {
    expect((await get('', 'text/html')).text).toContain(`href="/logs/${id}?show_all=1"`);
    const { text } = await get('?show_all=1', 'text/html');
    expect(text).toContain(`href="/logs/${id}"`);
    expect(text).toContain('out of sight');
  });
});
