import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { execa } from 'execa';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { certificateContext } from '../../../src/domain/callback-secrets.ts';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { createSecretBox } from '../../../src/secrets/secret-box.ts';
import {
  type CallbackSettings,
  getCallbackSettings,
  putCallbackSettings,
} from '../../../src/store/callback-settings.ts';
import { putSetting } from '../../../src/store/settings.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addJob, addTenant, countStates, drain, endpointIds, tellJob } from './deliveries.ts';

const box = createSecretBox([randomBytes(32)]);

let database: TestDatabase;
let egress: Egress;
let folder: string;
let server: Server;
/** The name on the certificate that each request showed, null where it showed none. */
const shown: (string | null)[] = [];

/** A self-signed certificate of this name, `<name>.pem` and `<name>.key`. */
async function makeCertificate(name: string): Promise<{ certificate: string; key: string }> {
  const [pem, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const curve = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1'.split(' ');
  const subject = ['-days', '1', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', pem];
  await execa('openssl', ['req', '-x509', '-nodes', ...curve, ...subject, ...files]);
  return { certificate: await readFile(pem, 'utf8'), key: await readFile(key, 'utf8') };
}

beforeAll(async () => {
  database = await createTestDatabase();
  egress = createEgress();
  folder = await mkdtemp(join(tmpdir(), 'tls-'));
  const { certificate, key } = await makeCertificate('receiver');
  server = createServer(
    { cert: certificate, key, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      shown.push(subject?.CN === undefined ? null : String(subject.CN));
      request.resume().on('end', () => response.end());
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await egress.close();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  await rm(folder, { recursive: true });
  await database.drop();
});

const url = (): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;

async function change(tenantId: number, settings: Partial<CallbackSettings>): Promise<void> {
  const before = await getCallbackSettings(database.db, tenantId);
  await putCallbackSettings(database.db, tenantId, { ...before, ...settings });
}

async function addTenantWith(settings: Partial<CallbackSettings>): Promise<number> {
  const id = await addTenant(database.db);
  await change(id, settings);
  return id;
}

/** Whether attempts of a tenant were made with verification, each answer once. */
async function verified(tenantId: number): Promise<readonly (boolean | null)[]> {
  const { rows } = await sql<{ tls_verified: boolean | null }>`
    SELECT DISTINCT tls_verified
    FROM delivery_attempts a JOIN deliveries d ON d.id = delivery_id
      JOIN streams s ON s.id = stream_id JOIN endpoints e ON e.id = endpoint_id
    WHERE tenant_id = ${tenantId}`.execute(database.db);
  return rows.map((row) => row.tls_verified);
}

async function send(tenantId: number): Promise<string | null> {
  await tellJob(database.db, await addJob(database.db, tenantId, [url()]), 1);
  const [endpoint = 0] = await endpointIds(database.db, tenantId);
  const deps = { db: database.db, egress, secrets: box, retryWaitsSeconds: [0.02] };
  return (await drain(deps, endpoint)).lastFailure;
}

test('verification is off for one tenant, and on for another at the same receiver and time', async () => {
  const [trusting, careful] = [
    await addTenantWith({ verifiesTls: false }),
    await addTenant(database.db),
  ];
  const [first, second] = await Promise.all([send(trusting), send(careful)]);
  expect(first).toBeNull();
  expect(second).toMatch(/^tls: /);
  // once more: no connection that was opened without verification serves the other
  expect(await send(careful)).toMatch(/^tls: /);
  expect(await countStates(database.db, trusting)).toEqual({ delivered: 3 });
  expect((await countStates(database.db, careful))['delivered']).toBeUndefined();
  expect(await verified(trusting)).toEqual([false]);
  expect(await verified(careful)).toEqual([true]);
  const { rows } = await sql<{ message: string }>`
    SELECT logs.message FROM logs JOIN jobs ON jobs.id = job_id
    WHERE tenant_id = ${trusting} AND progname = 'callback'`.execute(database.db);
  expect(rows.map((row) => row.message)).toEqual(
    Array(3).fill(expect.stringContaining('(TLS not verified) answered 200')),
  );
});

test('verification that is switched off and on again is so from the next attempt', async () => {
  const id = await addTenant(database.db);
  expect(await send(id)).toMatch(/^tls: /);
  await change(id, { verifiesTls: false });
  expect(await send(id)).toBeNull();
  await change(id, { verifiesTls: true });
  expect(await send(id)).toMatch(/^tls: /);
});

test('a receiver that asks for a certificate sees the tenant’s own and no other’s', async () => {
  const own = await makeCertificate('acme');
  const id = await addTenantWith({ verifiesTls: false });
  const settings = await getCallbackSettings(database.db, id);
  const sealedCertificate = box.seal(JSON.stringify(own), certificateContext(id));
  await putCallbackSettings(database.db, id, { ...settings, sealedCertificate });
  const before = shown.length;
  await send(id);
  await send(await addTenantWith({ verifiesTls: false }));
  expect(shown.slice(before)).toEqual(['acme', 'acme', 'acme', null, null, null]);
});

test('a tenant’s own schedule applies to it alone', async () => {
  const id = await addTenant(database.db);
  await putSetting(database.db, id, 'callback_schedule', '7,7,7');
  await tellJob(database.db, await addJob(database.db, id, [url()]), 0);
  const [endpoint = 0] = await endpointIds(database.db, id);
  const deps = { db: database.db, egress, secrets: box, retryWaitsSeconds: [600] };
  const { nextDueSeconds } = await drain(deps, endpoint);
  expect(nextDueSeconds).toBeGreaterThan(3);
  expect(nextDueSeconds).toBeLessThan(9);
});

test('TLS before 1.2 is spoken with nobody, verified or not', async () => {
  const { certificate, key } = await makeCertificate('old');
  const old = createServer(
    {
      cert: certificate,
      key,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL@SECLEVEL=0',
    },
    (_request, response) => response.end(),
  );
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
  try {
    const result = await egress.postJson({
      url: `https://127.0.0.1:${(old.address() as AddressInfo).port}/`,
      body: '{}',
      allowedNetworks: ['127.0.0.0/8'],
      tls: { isVerified: false, certificate: undefined },
      timeoutMs: 5000,
    });
    expect(result).toMatchObject({ kind: 'failed', failure: 'tls' });
  } finally {
    await new Promise((resolve) => old.close(resolve));
  }
});
