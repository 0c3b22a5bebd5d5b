import { afterAll, beforeAll, expect, test } from 'vitest';
import product from '../../package.json' with { type: 'json' };
import { createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
  for (const [at, priority] of [5, 5, 9, 2, 5].entries()) {
    const body = submission({ content_id: `p${priority}`, output_folder: `o/${at}` }, { priority });
    await api.send('POST', '/job', body);
  }
  for (const run_at of ['2099-01-02T00:00:00', '2099-01-01T00:00:00']) {
    await api.send('POST', '/job', submission({ content_id: '<b>&"x"' }, { run_at }));
  }
});

afterAll(() => api.stop());

const dashboard = async () => (await api.send('GET', '/dashboard')).json;

test('has max_jobs, priority_slots, version and the lists started, queued, scheduled', async () => {
  expect(await dashboard()).toEqual({
    max_jobs: 2,
    priority_slots: 0,
    version: product.version,
    started: [expect.anything(), expect.anything()],
    queued: [expect.anything(), expect.anything(), expect.anything()],
    scheduled: [expect.anything(), expect.anything()],
  });
});

test('its jobs are those of GET /jobs: all but their parameters', async () => {
  const { started, queued, scheduled } = await dashboard();
  const listed = (await api.send('GET', '/jobs')).json as { id: number }[];
  const byId = (a: { id: number }, b: { id: number }): number => b.id - a.id;
  expect([...started, ...queued, ...scheduled].sort(byId)).toEqual(listed);
});

test('queued jobs come in the order in which they will start, scheduled ones by run_at', async () => {
  const { queued, scheduled } = await dashboard();
  expect(queued.map((job: { content_id: string }) => job.content_id)).toEqual(['p2', 'p5', 'p9']);
  expect(queued.map((job: { position: number }) => job.position)).toEqual([1, 2, 3]);
  expect(scheduled.map((job: { run_at: string }) => job.run_at)).toEqual([
    '2099-01-01T00:00:00.000Z',
    '2099-01-02T00:00:00.000Z',
  ]);
});

test('shows settings as they are now', async () => {
  await api.send('POST', '/settings', { name: 'priority_slots', setting: 1 });
  expect(await dashboard()).toMatchObject({ max_jobs: 2, priority_slots: 1 });
});

test('another client sees nothing of it', async () => {
  expect((await api.send('GET', '/dashboard', undefined, OTHER)).json).toMatchObject({
    started: [],
    queued: [],
    scheduled: [],
  });
});

test('a list has 100 jobs at most', async () => {
  for (let at = 0; at < 100; at++) {
    await api.send('POST', '/job', submission({ output_folder: `o/${at}` }), OTHER);
  }
  const { queued } = (await api.send('GET', '/dashboard', undefined, OTHER)).json;
  expect(queued).toHaveLength(98);
  for (let at = 0; at < 5; at++) await api.send('POST', '/job', submission(), OTHER);
  const { queued: more } = (await api.send('GET', '/dashboard', undefined, OTHER)).json;
  expect(more).toHaveLength(100);
  expect(more.map((job: { position: number }) => job.position)).toEqual(
    more.map((_: unknown, at: number) => at + 1),
  );
});

test('is a page for who prefers one, with nothing from elsewhere and every value escaped', async () => {
  const page = await api.send('GET', '/dashboard', undefined, {
    client: 'acme',
    'api-key': 'acme-secret-1',
    accept: 'text/html',
  });
  expect(page.headers.get('content-type')).toBe('text/html; charset=UTF-8');
  expect(page.headers.get('vary')).toBe('Accept');
  expect(page.text).toContain('&lt;b&gt;&amp;&quot;x&quot;');
  expect(page.text).not.toContain('<b>');
  expect(page.text).not.toMatch(/<script|<link|<img|src=|https?:/);
});
