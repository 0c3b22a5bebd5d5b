import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { JournalActivities } from '../../../activities/journal/contract.ts';
import { createJournal } from '../../../activities/journal/journal.ts';
import { createApp } from '../../../api/app.ts';
import { shapeCallback } from '../../../src/domain/callback-shape.ts';
import { signingContext } from '../../../src/domain/callback-secrets.ts';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { createSecretBox } from '../../../src/secrets/secret-box.ts';
import { createSigningSecret } from '../../../src/secrets/signing-secret.ts';
import {
  type CallbackSettings,
  getCallbackSettings,
  putCallbackSettings,
} from '../../../src/store/callback-settings.ts';
import { rotateSigningSecret } from '../../../src/store/signing-secrets.ts';
import { ACME, createTestApi, OTHER, submission, type TestApi } from '../../helpers/api.ts';
import { CallbackSink, type SinkRequest } from '../../helpers/callback-sink.ts';
import { drain, endpointIds } from './deliveries.ts';

const box = createSecretBox([randomBytes(32)]);

let api: TestApi;
let egress: Egress;
/** One for all tests, as a worker has it. */
let journal: JournalActivities;
let tenantId: number;
let status = 200;
/** The receiver that jobs name, and the one that the tenant names for all its jobs. */
let sink: CallbackSink;
let central: CallbackSink;

beforeAll(async () => {
  api = await createTestApi();
  egress = createEgress();
  journal = createJournal({ db: api.database.db });
  const { rows } = await sql<{ id: number }>`SELECT id FROM tenants WHERE name = 'acme'`.execute(
    api.database.db,
  );
  tenantId = rows[0]?.id ?? 0;
});

beforeEach(async () => {
  status = 200;
  sink = await new CallbackSink(() => status).start();
  central = await new CallbackSink().start();
  await sql`TRUNCATE jobs, endpoints, callback_settings, signing_secrets, settings, system_settings CASCADE`.execute(
    api.database.db,
  );
});

afterEach(async () => {
  await sink.close();
  await central.close();
});

afterAll(async () => {
  await egress.close();
  await api.stop();
});

async function change(settings: Partial<CallbackSettings>): Promise<void> {
  const before = await getCallbackSettings(api.database.db, tenantId);
  await putCallbackSettings(api.database.db, tenantId, { ...before, ...settings });
}

/** Submits to an api that has just started: a running one remembers a tenant, with its URLs, for seconds. */
async function submit(
  parameters: Record<string, unknown>,
  headers: typeof ACME = ACME,
): Promise<number> {
  const response = await createApp(api.deps).request('/job', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(submission(parameters)),
  });
  return ((await response.json()) as { readonly id: number }).id;
}

/** One task's start and end, then the job's end, told as a workflow tells them. */
async function tell(jobId: number): Promise<void> {
  await tellTask(jobId, 1, 'start');
  await tellTask(jobId, 1, 'complete');
  await tellEnd(jobId);
}

const tellTask = (jobId: number, taskNumber: number, event: 'start' | 'complete') =>
  journal.recordEvents({
    jobId,
    events: [{ taskNumber, taskName: 'package', event, message: 'a "word"', timeMs: Date.now() }],
  });

const tellEnd = (jobId: number) =>
  journal.finishJob({
    jobId,
    isFailed: false,
    reason: '',
    timeMs: Date.now(),
    events: [],
  });

async function sendAll(tenant = tenantId): Promise<void> {
  await sql`UPDATE endpoints SET closed_until = '-infinity', probe_seconds = 0, failures = 0`.execute(
    api.database.db,
  );
  for (const id of await endpointIds(api.database.db, tenant)) {
    const deps = { db: api.database.db, egress, secrets: box, retryWaitsSeconds: [0.02] };
    await drain(deps, id);
  }
}

const idsOf = (requests: readonly SinkRequest[], path: string) =>
  requests.filter((one) => one.path === path).map((one) => one.headers['webhook-id']);

test('a job’s callbacks go to its own URLs and to the tenant’s, to each once', async () => {
  await change({ defaultUrls: [central.url('/all'), sink.url('/own')] });
  const id = await submit({ rest_endpoints: [sink.url('/own'), sink.url('/second')] });
  const bare = await submit({});
  const foreign = await submit({ rest_endpoints: [sink.url('/foreign')] }, OTHER);
  for (const job of [id, bare, foreign]) await tell(job);
  await sendAll();
  const names = (job: number) => [`te_${job}_1_start`, `te_${job}_1_end`, `te_${job}_job_end`];
  const sorted = (ids: readonly unknown[]) =>
    ids.map(String).toSorted((a, b) => a.localeCompare(b));
  const both = sorted([...names(id), ...names(bare)]);
  expect(sorted(idsOf(sink.requests, '/own'))).toEqual(both);
  expect(idsOf(sink.requests, '/second')).toEqual(names(id));
  expect(sorted(idsOf(central.requests, '/all'))).toEqual(both);
});

test('a rerun keeps the URLs, whatever the tenant names by then', async () => {
  await change({ defaultUrls: [central.url('/then')] });
  const id = await submit({ rest_endpoints: [sink.url('/own')] });
  await tell(id);
  await change({ defaultUrls: [central.url('/now')] });
  const again = (await api.send('POST', `/jobs/${id}/rerun`)).json.id;
  await sql`UPDATE jobs SET queue_state = 1, started_at = now() WHERE id = ${again}`.execute(
    api.database.db,
  );
  await tell(again);
  await sendAll();
  expect(idsOf(central.requests, '/then')).toContain(`te_${again}_job_end`);
  expect(idsOf(sink.requests, '/own')).toContain(`te_${again}_job_end`);
  expect(idsOf(central.requests, '/now')).toEqual([]);
});

test('each event has the body of the templates that applied when it was made', async () => {
  const id = await submit({ rest_endpoints: [sink.url()] });
  await change({ shape: { task: { n: 1, what: '$.event' } } });
  await tellTask(id, 1, 'start');
  await change({ shape: { task: { n: 2, what: '$.event', words: '$.message' } } });
  await tellTask(id, 1, 'complete');
  await change({ shape: { job: ['$.status', '$.output'] } });
  await tellEnd(id);
  await change({ shape: null });
  status = 503;
  await sendAll();
  status = 200;
  await api.send('POST', `/jobs/${id}/callbacks/replay`);
  await sendAll();
  const texts = sink.requests.filter((one) => one.status === 200).map((one) => one.text);
  expect(texts).toEqual([
    '{"n":1,"what":"start"}',
    '{"n":2,"what":"complete","words":"a \\"word\\""}',
    '["completed",null]',
  ]);
});

test('custom_data goes through a template byte for byte, whole or in part', async () => {
  const raw = '{"z":1.0,"a":12345678901234567890,"a":2,"ü":"\\u00fc \\/ 🎬","x-y":{"deep":1e2}}';
  await change({
    shape: {
      job: {
        data: '$.custom_data',
        deep: '$.custom_data.x-y.deep',
        price: '$$.custom_data',
        none: '$.custom_data.no',
        constant: { a: [1, true, null, '$.client'] },
      },
    },
  });
  const body = JSON.stringify(submission({ rest_endpoints: [sink.url()], custom_data: 'HERE' }));
  const { id } = (await api.send('POST', '/job', body.replace('"HERE"', raw))).json;
  await tellEnd(id);
  await sendAll();
  expect(sink.requests.map((one) => one.text)).toEqual([
    `{"data":${raw},"deep":1e2,"price":"$.custom_data","constant":{"a":[1,true,null,"acme"]}}`,
  ]);
});

test('a megabyte of custom_data is neither changed nor slow in a template', async () => {
  const raw = JSON.stringify(Array.from({ length: 10_000 }, (_, n) => `${n}${'ü\\"'.repeat(20)}`));
  const body = `{"status":"completed","custom_data":${raw}}`;
  const shaped = shapeCallback({ job: { all: '$.custom_data', s: '$.status' } }, 'job', body);
  expect(shaped).toBe(`{"all":${raw},"s":"completed"}`);
});

test('a signed, reshaped body is signed as it is sent', async () => {
  const secret = createSigningSecret('v1');
  const { db } = api.database;
  await rotateSigningSecret(db, tenantId, box.seal(secret, signingContext(tenantId)), 60);
  await change({ shape: { task: { '🎬': '$.message', id: '$.task_id' } } });
  const id = await submit({ rest_endpoints: [sink.url()] });
  await tellTask(id, 1, 'start');
  await sendAll();
  const [request] = sink.requests;
  expect(request?.text).toBe(`{"🎬":"a \\"word\\"","id":${id * 1000 + 1}}`);
  new Webhook(secret).verify(request?.text ?? '', request?.headers as Record<string, string>);
});

test('receivers that change to a new secret one after the other refuse nothing meanwhile', async () => {
  const { db } = api.database;
  const rotate = (secret: string, overlapSeconds: number) =>
    rotateSigningSecret(db, tenantId, box.seal(secret, signingContext(tenantId)), overlapSeconds);
  const [former, next] = [createSigningSecret('v1'), createSigningSecret('v1')];
  const knows: Record<string, string> = { '/a': former, '/b': former };
  const refused: string[] = [];
  await sink.close();
  sink = await new CallbackSink(({ path, text, headers }) => {
    try {
      new Webhook(knows[path] ?? '').verify(text, headers as Record<string, string>);
      return 200;
    } catch {
      refused.push(path);
      return 401;
    }
  }).start();
  const tellOne = async () => {
    const id = await submit({ rest_endpoints: [sink.url('/a'), sink.url('/b')] });
    await tellTask(id, 1, 'start');
    await sendAll();
  };
  await rotate(former, 60);
  await tellOne();
  await rotate(next, 3600);
  await tellOne();
  knows['/a'] = next;
  await tellOne();
  knows['/b'] = next;
  await tellOne();
  await sql`UPDATE signing_secrets SET expires_at = now() WHERE expires_at IS NOT NULL`.execute(db);
  await tellOne();
  expect([refused, sink.requests.length]).toEqual([[], 10]);
  const last = sink.requests.at(-1)?.headers['webhook-signature'];
  expect(String(last).split(' ')).toHaveLength(1);
  // and the sink does refuse what is signed otherwise
  knows['/a'] = former;
  await tellOne();
  expect(refused).toContain('/a');
});

/** Seconds until the first delivery of a job is tried again, after one refused attempt. */
async function waitAfterFailure(tenant: number, headers: typeof ACME): Promise<number> {
  const id = await submit({ rest_endpoints: [sink.url()] }, headers);
  await tellTask(id, 1, 'start');
  status = 503;
  await sendAll(tenant);
  const { events } = (await api.send('GET', `/jobs/${id}/callbacks`, undefined, headers)).json;
  const [delivery] = events[0].deliveries;
  if (delivery.next_attempt_at === null) return Number.POSITIVE_INFINITY;
  return (Date.parse(delivery.next_attempt_at) - Date.parse(delivery.attempts.at(-1).time)) / 1000;
}

const isAround = (seconds: number) => (wait: number) =>
  wait > seconds * 0.79 && wait < seconds * 1.25;

test('a schedule that a tenant sets over the API applies at once, to its callbacks alone', async () => {
  const { rows } = await sql<{ id: number }>`SELECT id FROM tenants WHERE name = 'other'`.execute(
    api.database.db,
  );
  const other = rows[0]?.id ?? 0;
  const answer = await api.send('POST', '/settings', {
    name: 'callback_schedule',
    setting: '500, 900',
  });
  expect(answer.json.message).toBe('callback_schedule setting created');
  expect(await waitAfterFailure(tenantId, ACME)).toSatisfy(isAround(500));
  await api.send('POST', '/settings', { name: 'callback_schedule', setting: 4000 });
  expect(await waitAfterFailure(tenantId, ACME)).toSatisfy(isAround(4000));
  await sql`INSERT INTO system_settings (name, setting) VALUES ('callback_schedule', '7000')`.execute(
    api.database.db,
  );
  expect(await waitAfterFailure(other, OTHER)).toSatisfy(isAround(7000));
  expect(await waitAfterFailure(tenantId, ACME)).toSatisfy(isAround(4000));
  await api.send('POST', '/settings', { name: 'callback_schedule', setting: null });
  expect(await waitAfterFailure(tenantId, ACME)).toSatisfy(isAround(7000));
});

test('a setting of that name from before it had a rule changes nothing', async () => {
  await sql`INSERT INTO settings (tenant_id, name, setting) VALUES (${tenantId}, 'callback_schedule', 'weekly')`.execute(
    api.database.db,
  );
  // the engine's own schedule here is one wait of 0.02 s: after the second attempt it is used up
  expect(await waitAfterFailure(tenantId, ACME)).toBe(Number.POSITIVE_INFINITY);
});

test('a schedule that cannot be is refused with what would be right', async () => {
  for (const setting of ['5;300', '', 0, true, '5,700000']) {
    const answer = await api.send('POST', '/settings', { name: 'callback_schedule', setting });
    expect([setting, answer.status, answer.json.error]).toEqual([
      setting,
      400,
      'setting: must be 1 to 30 waits in seconds, each from 1 to 604800, separated by commas: 5,300,1800',
    ]);
  }
  const { settings } = (await api.send('GET', '/settings')).json;
  expect(settings.callback_schedule).toEqual({
    setting: '5,300,1800,7200,18000,36000,50400,72000,86400',
    origin: 'default',
    least: null,
    most: null,
  });
});
