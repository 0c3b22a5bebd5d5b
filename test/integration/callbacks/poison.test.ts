import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { certificateContext } from '../../../src/domain/callback-secrets.ts';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { createSecretBox } from '../../../src/secrets/secret-box.ts';
import { getCallbackSettings, putCallbackSettings } from '../../../src/store/callback-settings.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { replayDeliveries } from '../../../src/store/replay.ts';
import { CallbackSink } from '../../helpers/callback-sink.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addJob, addTenant, countStates, drain, endpointIds, tellJob } from './deliveries.ts';

const box = createSecretBox([randomBytes(32)]);

let database: TestDatabase;
let egress: Egress;
let sink: CallbackSink;
let tenantId = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  egress = createEgress();
});

beforeEach(async () => {
  tenantId = await addTenant(database.db);
  sink = await new CallbackSink().start();
});

afterEach(() => sink.close());

afterAll(async () => {
  await egress.close();
  await database.drop();
});

/** One drain after the other, each as if the wait after the last had passed. */
async function drainTimes(times: number, out: Egress = egress): Promise<void> {
  const { db } = database;
  const [endpointId = 0] = await endpointIds(db, tenantId);
  for (let at = 0; at < times; at++) {
    await drain({ db, egress: out, secrets: box, retryWaitsSeconds: [600] }, endpointId);
    await sql`
      UPDATE streams SET due_at = now() WHERE endpoint_id = ${endpointId} AND due_at IS NOT NULL`.execute(
      db,
    );
  }
}

const attemptErrors = async (): Promise<readonly string[]> => {
  const { rows } = await sql<{ error: string }>`
    SELECT error FROM delivery_attempts a JOIN deliveries d ON d.id = delivery_id
      JOIN streams s ON s.id = stream_id JOIN endpoints e ON e.id = endpoint_id
    WHERE tenant_id = ${tenantId} AND error IS NOT NULL ORDER BY a.id`.execute(database.db);
  return rows.map((row) => row.error);
};

test('a callback at which the engine fails is parked at the fifth error; its job and the others go on', async () => {
  const { db } = database;
  let failures = 0;
  const failing: Egress = {
    close: () => Promise.resolve(),
    postJson: (request) => {
      const isPoison = request.url.endsWith('/poison') && request.body.includes('"event":"start"');
      if (!isPoison) return egress.postJson(request);
      failures += 1;
      throw new TypeError('canary-5ec3e7 is not a function');
    },
  };
  const poisoned = await addJob(db, tenantId, [sink.url('/poison'), sink.url('/fine')]);
  await tellJob(db, poisoned, 1);
  const other = await addJob(db, tenantId, [sink.url('/fine')]);
  await tellJob(db, other, 1);

  await drainTimes(1, failing);
  // once, and not again at once: it waits
  expect(failures).toBe(1);
  expect(sink.delivered(other, '/fine')).toHaveLength(3);
  expect(sink.delivered(poisoned, '/fine')).toHaveLength(3);
  await drainTimes(4, failing);
  expect(failures).toBe(5);
  expect(await countStates(db, tenantId)).toEqual({ delivered: 8, parked: 1 });
  expect(sink.delivered(poisoned, '/poison')).toHaveLength(2);

  const errors = (await listLogs(db, poisoned, { withInvisible: false })).filter(
    (row) => row.severity === 'ERROR',
  );
  expect(errors.map((row) => row.message)).toEqual([
    expect.stringMatching(/te_\d+_1_start to .*\/poison parked: not sent: unexpected TypeError/),
  ]);
  expect((await attemptErrors()).join()).not.toContain('canary');
});

test('an attempt that cannot be recorded is counted all the same, and replayed once it can be', async () => {
  const { db } = database;
  let sent = 0;
  // a status that no column holds: the statement that records it fails every time
  const odd: Egress = {
    close: () => Promise.resolve(),
    postJson: () => {
      sent += 1;
      return Promise.resolve({ kind: 'answered', status: 3e9, answer: '', retryAfter: null });
    },
  };
  await tellJob(db, await addJob(db, tenantId, [sink.url()]), 0);
  await drainTimes(7, odd);
  expect(sent).toBe(5);
  expect(await countStates(db, tenantId)).toEqual({ parked: 1 });
  await replayDeliveries(db, { tenantId, withDelivered: false });
  await drainTimes(1);
  expect(await countStates(db, tenantId)).toEqual({ delivered: 1 });
});

test('a certificate that is none parks the callbacks of its tenant and stops no other', async () => {
  const { db } = database;
  const settings = await getCallbackSettings(db, tenantId);
  const sealedCertificate = box.seal('no JSON', certificateContext(tenantId));
  await putCallbackSettings(db, tenantId, { ...settings, sealedCertificate });
  await tellJob(db, await addJob(db, tenantId, [sink.url()]), 0);
  await drainTimes(5);
  expect(sink.requests).toEqual([]);
  expect(await countStates(db, tenantId)).toEqual({ parked: 1 });
  tenantId = await addTenant(db);
  await tellJob(db, await addJob(db, tenantId, [sink.url()]), 0);
  await drainTimes(1);
  expect(await countStates(db, tenantId)).toEqual({ delivered: 1 });
});

test('a row whose URL is none fails its attempts as a blocked one does', async () => {
  const { db } = database;
  await tellJob(db, await addJob(db, tenantId, [sink.url()]), 0);
  await sql`UPDATE streams SET url = 'http://[' FROM endpoints e
            WHERE e.id = endpoint_id AND tenant_id = ${tenantId}`.execute(db);
  await drainTimes(2);
  expect(await countStates(db, tenantId)).toEqual({ exhausted: 1 });
  expect((await attemptErrors())[0]).toMatch(/^blocked: /);
});
