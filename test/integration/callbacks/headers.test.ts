import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { callbackHeaderContext } from '../../../src/domain/callback-headers.ts';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { createSecretBox } from '../../../src/secrets/secret-box.ts';
import { putCallbackHeader } from '../../../src/store/callback-headers.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { dumpDatabase } from '../../helpers/dump-database.ts';
import { addJob, addTenant, countStates, drain, endpointIds, tellJob } from './deliveries.ts';

const TOKEN = 'canary-7f3a9c1e5b2d8046-"quoted"';
const VALUE = `Bearer ${TOKEN}`;
const secrets = createSecretBox([randomBytes(32)]);

let database: TestDatabase;
let egress: Egress;
let server: Server;
let seen: IncomingHttpHeaders[] = [];
let answer = (_: IncomingHttpHeaders): string => '';

beforeAll(async () => {
  database = await createTestDatabase();
  egress = createEgress();
});

beforeEach(async () => {
  seen = [];
  server = createServer((request, response) => {
    seen.push(request.headers);
    request.resume();
    request.on('end', () => response.writeHead(200).end(answer(request.headers)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

afterAll(async () => {
  await egress.close();
  await database.drop();
});

async function addTenantWithHeader(name: string, value: string): Promise<number> {
  const tenantId = await addTenant(database.db);
  const sealed = secrets.seal(value, callbackHeaderContext(tenantId, name));
  await putCallbackHeader(database.db, tenantId, name, sealed);
  return tenantId;
}

async function deliver(tenantId: number, box = secrets) {
  const { db } = database;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  await tellJob(db, await addJob(db, tenantId, [url]), 1);
  const [endpointId = 0] = await endpointIds(db, tenantId);
  return drain({ db, egress, secrets: box, retryWaitsSeconds: [600] }, endpointId);
}

test('a tenant’s headers go with every one of its callbacks and with no other’s', async () => {
  const tenantId = await addTenantWithHeader('authorization', VALUE);
  await deliver(tenantId);
  expect(seen.map((one) => one.authorization)).toEqual([VALUE, VALUE, VALUE]);
  await deliver(await addTenant(database.db));
  expect(seen.slice(3).map((one) => one.authorization)).toEqual([undefined, undefined, undefined]);
});

test.each([
  ['as it came', (headers: IncomingHttpHeaders) => `you sent ${headers.authorization}`],
  ['as JSON', (headers: IncomingHttpHeaders) => JSON.stringify(headers)],
  ['its token alone', () => TOKEN],
  ['cut off after 2 KB', () => `${'x'.repeat(2048 - 20)}${VALUE}`],
])('a receiver that echoes the header, %s, puts it into no row', async (_, echo) => {
  answer = echo;
  const tenantId = await addTenantWithHeader('authorization', VALUE);
  await deliver(tenantId);
  const { rows } = await sql<{ answer: string }>`SELECT answer FROM delivery_attempts`.execute(
    database.db,
  );
  expect(rows.length).toBeGreaterThan(0);
  const dump = await dumpDatabase(database.db);
  expect(dump).toContain('****');
  expect(dump).not.toContain(TOKEN.slice(0, 10));
});

test('without the key nothing is sent, and the attempt says which key is missing', async () => {
  const tenantId = await addTenantWithHeader('authorization', VALUE);
  const result = await deliver(tenantId, createSecretBox([]));
  expect(seen).toEqual([]);
  expect(result.lastFailure).toMatch(
    /^not sent: what the client's callbacks go out with is sealed with key [0-9a-f]{8}, which SECRETS_KEY does not hold$/,
  );
  expect(await countStates(database.db, tenantId)).toEqual({ pending: 3 });
});
