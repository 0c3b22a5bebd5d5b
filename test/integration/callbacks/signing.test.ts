import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { signingContext } from '../../../src/domain/callback-secrets.ts';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { createSecretBox } from '../../../src/secrets/secret-box.ts';
import { createSigningSecret, publicKeyOf } from '../../../src/secrets/signing-secret.ts';
import { insertJobEndEvent } from '../../../src/store/events.ts';
import { rotateSigningSecret } from '../../../src/store/signing-secrets.ts';
import { CallbackSink } from '../../helpers/callback-sink.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addJob, addTenant, drain, endpointIds, tellJob } from './deliveries.ts';

const box = createSecretBox([randomBytes(32)]);

let database: TestDatabase;
let egress: Egress;
let tenantId = 0;
let sink: CallbackSink;

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

async function rotate(secret: string, overlapSeconds = 3600): Promise<void> {
  const sealed = box.seal(secret, signingContext(tenantId));
  await rotateSigningSecret(database.db, tenantId, sealed, overlapSeconds);
}

async function sendAll(retryWaitsSeconds: readonly number[] = [0.02]): Promise<void> {
  for (const id of await endpointIds(database.db, tenantId)) {
    await drain({ db: database.db, egress, secrets: box, retryWaitsSeconds }, id);
  }
}

const headersOf = (request: { readonly headers: unknown }): Record<string, string> =>
  request.headers as Record<string, string>;

/** Verifies with the reference library; throws where the signature, its age or its id is wrong. */
const verify = (secret: string, request: { readonly headers: unknown; readonly text: string }) =>
  new Webhook(secret).verify(request.text, headersOf(request));

test('the reference library accepts every callback of a job, at every attempt', async () => {
  const secret = createSigningSecret('v1');
  await rotate(secret);
  let at = 0;
  await sink.close();
  sink = await new CallbackSink(() => (at++ % 3 === 0 ? 500 : 200)).start();
  await tellJob(
    database.db,
    await addJob(database.db, tenantId, [sink.url('/a'), sink.url('/b')]),
    3,
  );
  await sendAll(Array(20).fill(0.02));
  expect(sink.requests.length).toBeGreaterThan(14);
  for (const request of sink.requests) verify(secret, request);
});

test('a verifier in another language accepts them too', async () => {
  const secret = createSigningSecret('v1');
  await rotate(secret);
  await tellJob(database.db, await addJob(database.db, tenantId, [sink.url()]), 1);
  await sendAll();
  const script = `
import base64, hashlib, hmac, json, sys
for line in sys.stdin:
    r = json.loads(line)
    key = base64.b64decode(r["secret"].removeprefix("whsec_"))
    signed = f'{r["id"]}.{r["timestamp"]}.'.encode() + base64.b64decode(r["body"])
    mac = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    print("ok" if mac in r["signature"].split(" ") else "wrong")
`;
  const lines = sink.requests.map((request) => {
    const headers = headersOf(request);
    return JSON.stringify({
      secret,
      id: headers['webhook-id'],
      timestamp: headers['webhook-timestamp'],
      signature: headers['webhook-signature'],
      body: Buffer.from(request.text).toString('base64'),
    });
  });
  const { stdout } = await execa('python3', ['-c', script], { input: lines.join('\n') });
  expect(stdout.split('\n')).toEqual(['ok', 'ok', 'ok']);
});

test('what was tampered with is not accepted: body, id, time, another secret', async () => {
  const secret = createSigningSecret('v1');
  await rotate(secret);
  await tellJob(database.db, await addJob(database.db, tenantId, [sink.url()]), 0);
  await sendAll();
  const [request] = sink.requests;
  if (request === undefined) throw new Error('nothing came');
  const headers = headersOf(request);
  const timestamp = Number(headers['webhook-timestamp']);
  expect(() => verify(secret, { ...request, text: `${request.text} ` })).toThrow(
    /signature|timestamp/i,
  );
  for (const changed of [
    { 'webhook-id': 'te_1_1_start' },
    { 'webhook-timestamp': String(timestamp - 1) },
    { 'webhook-timestamp': String(timestamp + 360) },
  ]) {
    expect(() => verify(secret, { ...request, headers: { ...headers, ...changed } })).toThrow(
      /signature|timestamp/i,
    );
  }
  expect(() => verify(createSigningSecret('v1'), request)).toThrow(/signature|timestamp/i);
  verify(secret, request);
});

test('the bytes that are signed are the bytes that are sent, whatever is in them', async () => {
  const secret = createSigningSecret('v1');
  await rotate(secret);
  const texts = [
    '{"ü":"\\u0000 \\ud83d \u2028 🎬","n":12345678901234567890,"x":1.0,"a":1,"a":2}',
    JSON.stringify({ big: 'x'.repeat(1_000_000) }),
  ];
  for (const text of texts) {
    await insertJobEndEvent(database.db, await addJob(database.db, tenantId, [sink.url()]), text);
  }
  await sendAll();
  expect(sink.requests.map((request) => request.text).sort()).toEqual([...texts].sort());
  for (const request of sink.requests) verify(secret, request);
});

test('while a secret is exchanged both sign, afterwards the new one alone', async () => {
  const [former, next] = [createSigningSecret('v1'), createSigningSecret('v1')];
  await rotate(former);
  await rotate(next, 3600);
  await tellJob(database.db, await addJob(database.db, tenantId, [sink.url()]), 0);
  await sendAll();
  const [during] = sink.requests;
  if (during === undefined) throw new Error('nothing came');
  verify(former, during);
  verify(next, during);
  await sql`UPDATE signing_secrets SET expires_at = now() WHERE expires_at IS NOT NULL`.execute(
    database.db,
  );
  await tellJob(database.db, await addJob(database.db, tenantId, [sink.url()]), 0);
  await sendAll();
  const after = sink.requests[1];
  if (after === undefined) throw new Error('nothing came');
  verify(next, after);
  expect(() => verify(former, after)).toThrow(/signature|timestamp/i);
});

test('an ed25519 signature is accepted by openssl with the public key', async () => {
  const secret = createSigningSecret('v1a');
  await rotate(secret);
  await tellJob(database.db, await addJob(database.db, tenantId, [sink.url()]), 0);
  await sendAll();
  const [request] = sink.requests;
  if (request === undefined) throw new Error('nothing came');
  const headers = headersOf(request);
  const signature = headers['webhook-signature'] ?? '';
  expect(signature).toMatch(/^v1a,/);
  const raw = Buffer.from((publicKeyOf(secret) ?? '').slice('whpk_'.length), 'base64');
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]);
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;
  const folder = await mkdtemp(join(tmpdir(), 'signing-'));
  try {
    const file = (name: string): string => join(folder, name);
    await writeFile(file('key.pem'), pem);
    await writeFile(file('sig'), Buffer.from(signature.slice(4), 'base64'));
    const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${request.text}`;
    await writeFile(file('content'), content);
    const args = ['-verify', '-pubin', '-inkey', file('key.pem'), '-rawin', '-in', file('content')];
    const { stdout } = await execa('openssl', ['pkeyutl', ...args, '-sigfile', file('sig')]);
    expect(stdout).toContain('Signature Verified Successfully');
  } finally {
    await rm(folder, { recursive: true });
  }
});
