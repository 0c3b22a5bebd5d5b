import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from 'kysely';
import { createEgress, type Egress } from '../../src/egress/egress.ts';
import { insertTaskEvents } from '../../src/store/events.ts';
import { inTransaction } from '../../src/store/db.ts';
import { ACME, createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';
import { CallbackSink } from '../helpers/callback-sink.ts';
import { drain, taskEvent, tellJob } from '../integration/callbacks/deliveries.ts';

let api: TestApi;
let egress: Egress;
let sink: CallbackSink;
let status = 200;

beforeAll(async () => {
  api = await createTestApi();
  egress = createEgress();
  sink = await new CallbackSink(() => status).start();
});

afterAll(async () => {
  await sink.close();
  await egress.close();
  await api.stop();
});

async function submit(paths: readonly string[], headers?: Record<string, string>): Promise<number> {
  const body = submission({ rest_endpoints: paths.map((path) => sink.url(path)) });
  return (await api.send('POST', '/job', body, headers)).json.id;
}

/** Sends what is due, at every endpoint whatever it answered before, with a schedule of two attempts. */
async function sendAll(): Promise<void> {
  const { rows } = await sql<{ id: number }>`
    UPDATE endpoints SET failures = 0, probe_seconds = 0, closed_until = '-infinity' RETURNING id`.execute(
    api.database.db,
  );
  for (const { id } of rows) {
    await drain({ db: api.database.db, egress, retryWaitsSeconds: [0.02] }, id);
  }
}

const ledger = async (id: number) => (await api.send('GET', `/jobs/${id}/callbacks`)).json;

test('the ledger shows each event, each URL and each attempt', async () => {
  const id = await submit(['/one', '/two']);
  await tellJob(api.database.db, id, 1);
  status = 503;
  await sendAll();
  status = 200;
  const { job_id: jobId, events, next } = await ledger(id);
  expect([jobId, next]).toEqual([id, null]);
  expect(events.map((event: { id: string }) => event.id)).toEqual([
    `te_${id}_1_start`,
    `te_${id}_1_end`,
    `te_${id}_job_end`,
  ]);
  expect(events[0]).toMatchObject({
    task_id: id * 1000 + 1,
    body: { job_id: id, event: 'start' },
  });
  expect(events[2]).toMatchObject({ task_id: null, body: { job_id: id, status: 'completed' } });
  const [delivery] = events[0].deliveries;
  expect(delivery).toMatchObject({
    url: sink.url('/one'),
    state: 'exhausted',
    delivered_at: null,
    next_attempt_at: null,
  });
  expect(delivery.attempts).toHaveLength(2);
  expect(delivery.attempts[0]).toEqual({
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    milliseconds: expect.any(Number),
    status: 503,
    error_class: 'http',
    error: 'answered 503',
    answer: '',
    tls_verified: null,
  });
});

test('a replay sends what was given up again, under the same ids, and nothing that was delivered', async () => {
  const id = await submit(['/again']);
  await tellJob(api.database.db, id, 1);
  status = 500;
  await sendAll();
  status = 200;
  const before = sink.requests.length;
  const answer = await api.send('POST', `/jobs/${id}/callbacks/replay`);
  expect(answer.json).toEqual({ result: 'ok', replayed: 3, hurried: 0, more: false });
  await sendAll();
  const ids = sink.requests.slice(before).map((request) => request.headers['webhook-id']);
  expect(ids).toEqual([`te_${id}_1_start`, `te_${id}_1_end`, `te_${id}_job_end`]);
  expect((await api.send('POST', `/jobs/${id}/callbacks/replay`)).json.replayed).toBe(0);
  const [event] = (await ledger(id)).events;
  expect(event.deliveries[0]).toMatchObject({ state: 'delivered' });
  expect(event.deliveries[0].attempts.length).toBe(3);
});

test('with force what was delivered is sent again; one event and one URL can be named', async () => {
  const id = await submit(['/x', '/y']);
  await tellJob(api.database.db, id, 1);
  await sendAll();
  const before = sink.requests.length;
  const answer = await api.send('POST', `/jobs/${id}/callbacks/replay`, {
    event: `te_${id}_1_end`,
    url: sink.url('/y'),
    force: 'true',
  });
  expect(answer.json.replayed).toBe(1);
  await sendAll();
  expect(sink.requests.slice(before).map((one) => [one.path, one.headers['webhook-id']])).toEqual([
    ['/y', `te_${id}_1_end`],
  ]);
});

test('a replay goes before newer events that wait, and disturbs their order in nothing', async () => {
  const id = await submit(['/order']);
  const { db } = api.database;
  await insertTaskEvents(db, id, [taskEvent(id, 1)]);
  await insertTaskEvents(db, id, [taskEvent(id, 1, 'complete')]);
  status = 500;
  await sendAll();
  status = 200;
  await insertTaskEvents(db, id, [taskEvent(id, 2)]);
  await api.send('POST', `/jobs/${id}/callbacks/replay`);
  await insertTaskEvents(db, id, [taskEvent(id, 2, 'complete')]);
  const before = sink.requests.length;
  await sendAll();
  expect(sink.requests.slice(before).map((one) => one.headers['webhook-id'])).toEqual([
    `te_${id}_1_start`,
    `te_${id}_1_end`,
    `te_${id}_2_start`,
    `te_${id}_2_end`,
  ]);
});

test('a range of time is replayed for one URL of all jobs of the client, and of no other client', async () => {
  const from = new Date().toISOString();
  const ids = [await submit(['/r', '/s']), await submit(['/r']), await submit(['/r'], OTHER)];
  for (const id of ids) await insertTaskEvents(api.database.db, id, [taskEvent(id, 1)]);
  await sendAll();
  const body = { from, url: sink.url('/r'), force: 1 };
  expect((await api.send('POST', '/callbacks/replay', { ...body, force: true })).json).toEqual({
    result: 'ok',
    replayed: 2,
    hurried: 0,
    more: false,
  });
  const past = { from: '2001-01-01', to: '2001-01-02', force: true };
  expect((await api.send('POST', '/callbacks/replay', past)).json.replayed).toBe(0);
  await sendAll();
});

test('every replay is in the audit, with what was chosen and found, and without tokens', async () => {
  const id = await submit(['/audited?token=canary-0123456789']);
  await tellJob(api.database.db, id, 1);
  await sql`TRUNCATE audit`.execute(api.database.db);
  const url = sink.url('/audited?token=canary-0123456789');
  const event = `te_${id}_job_end`;
  await api.send('POST', `/jobs/${id}/callbacks/replay`, { url, event });
  await api.send('POST', '/callbacks/replay', { from: '2001-01-01', to: '2001-01-02' });
  const { rows } = await sql<{ actor: string; action: string; detail: unknown }>`
    SELECT actor, action, detail FROM audit ORDER BY id`.execute(api.database.db);
  expect(rows).toEqual([
    {
      actor: 'acme',
      action: 'callbacks.replay',
      detail: {
        jobId: id,
        event,
        url: sink.url('/audited?token=****6789'),
        withDelivered: false,
        replayed: 0,
        hurried: 1,
      },
    },
    {
      actor: 'acme',
      action: 'callbacks.replay',
      detail: {
        from: '2001-01-01T00:00:00.000Z',
        to: '2001-01-02T00:00:00.000Z',
        withDelivered: false,
        replayed: 0,
        hurried: 0,
      },
    },
  ]);
});

test.each([
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=1', 415],
  ['a compressed body', { 'content-encoding': 'gzip' }, '{}', 415],
  ['a body of more than 2 MiB', {}, JSON.stringify({ url: 'x'.repeat(2_100_000) }), 413],
  ['half a body', {}, '{"url":', 400],
  ['no object', {}, '[]', 400],
])('a replay with %s is refused', async (_, headers, body, expected) => {
  const id = await submit(['/refused']);
  for (const path of [`/jobs/${id}/callbacks/replay`, '/callbacks/replay']) {
    const answer = await api.send('POST', path, body, { ...ACME, ...headers });
    expect([answer.status, typeof answer.json.error]).toEqual([expected, 'string']);
  }
});

test.each([
  ['after', '/events?after=-1'],
  ['limit', '/events?limit=1001'],
  ['wait', '/events?wait=31'],
  ['after', '/jobs/ID/callbacks?after=x'],
])('a query that cannot be is refused, naming %s', async (field, path) => {
  const id = await submit(['/query']);
  const answer = await api.send('GET', path.replace('ID', String(id)));
  expect([answer.status, answer.json.error]).toEqual([
    400,
    expect.stringMatching(new RegExp(`^${field}`)),
  ]);
});

test.each([
  ['event', { event: 'te_1' }],
  ['event', { event: 'te_999999_1_start' }],
  ['url', { url: 7 }],
  ['url', { url: 'http://a/\u0000' }],
  ['force', { force: 'perhaps' }],
])('a replay that cannot be is refused, naming %s', async (field, body) => {
  const id = await submit(['/z']);
  const answer = await api.send('POST', `/jobs/${id}/callbacks/replay`, body);
  expect([answer.status, answer.json.error]).toEqual([
    400,
    expect.stringMatching(new RegExp(`^${field}`)),
  ]);
});

test('the feed gives every event once, in order, page by page, and only the own', async () => {
  const start = (await api.send('GET', '/events?limit=1000')).json.next as number;
  const [mine, theirs] = [await submit(['/f']), await submit(['/f'], OTHER)];
  for (const id of [mine, theirs]) await tellJob(api.database.db, id, 2);
  const seen: string[] = [];
  let after = start;
  for (let page = 0; page < 10; page++) {
    const { events, next } = (await api.send('GET', `/events?after=${after}&limit=2`)).json;
    seen.push(...events.map((event: { id: string }) => event.id));
    if (next === after) break;
    after = next;
  }
  expect(seen).toEqual(
    ['1_start', '1_end', '2_start', '2_end', 'job_end'].map((part) => `te_${mine}_${part}`),
  );
});

test('what a slow transaction adds behind a faster one is not passed over', async () => {
  const id = await submit(['/slow']);
  const { db } = api.database;
  const start = (await api.send('GET', '/events?limit=1000')).json.next as number;
  const read = async () =>
    (await api.send('GET', `/events?after=${start}`)).json.events.map(
      (event: { id: string }) => event.id,
    );
  await inTransaction(db, async (transaction) => {
    await insertTaskEvents(transaction, id, [taskEvent(id, 1)]);
    // on another connection; it commits first and has the higher number
    await sql`
      INSERT INTO events (job_id, task_number, is_end, body) VALUES (${id}, 2, false, '{}')`.execute(
      db,
    );
    expect(await read()).toEqual([]);
  });
  expect(await read()).toEqual([`te_${id}_1_start`, `te_${id}_2_start`]);
});

test('a reader that waits is told as soon as there is something', async () => {
  const id = await submit(['/wait']);
  const start = (await api.send('GET', '/events?limit=1000')).json.next as number;
  const waiting = api.send('GET', `/events?after=${start}&wait=20`);
  await insertTaskEvents(api.database.db, id, [taskEvent(id, 1)]);
  expect((await waiting).json.events).toMatchObject([{ id: `te_${id}_1_start` }]);
});

test.each([
  ['GET', 'callbacks'],
  ['POST', 'callbacks/replay'],
])('%s /jobs/:id/%s of a foreign job looks like that of an unknown one', async (method, path) => {
  const id = await submit(['/mine']);
  const foreign = await api.send(method, `/jobs/${id}/${path}`, undefined, OTHER);
  const unknown = await api.send(method, `/jobs/99999999/${path}`, undefined, OTHER);
  expect([foreign.status, foreign.text]).toEqual([404, unknown.text]);
});
