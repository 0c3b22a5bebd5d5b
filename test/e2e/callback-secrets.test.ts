import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { Client, Connection } from '@temporalio/client';
import { execa } from 'execa';
import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runCli } from '../../cli/run.ts';
import { readConfig } from '../../src/config/config.ts';
import { certificateContext, signingContext } from '../../src/domain/callback-secrets.ts';
import { createSecretBox } from '../../src/secrets/secret-box.ts';
import { dumpDatabase } from '../helpers/dump-database.ts';
import { TestEngine, until } from '../helpers/engine.ts';

const CANARY = 'canary9f3b71d2c4e85a06';
const SECRETS_KEY = randomBytes(32).toString('base64');
const box = createSecretBox([Buffer.from(SECRETS_KEY, 'base64')]);

let engine: TestEngine;
let client: Client;
let receiver: Server;
let signingSecret = '';
let privateKey = '';
/** Each request: who the certificate said it was, and whether the signature was good. */
const received: { readonly name: string; readonly isSigned: boolean; readonly isEnd: boolean }[] =
  [];

async function cli(args: readonly string[], secret = ''): Promise<any> {
  const [out, err]: [string[], string[]] = [[], []];
  const streams = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    readSecret: () => Promise.resolve(secret),
  };
  const config = readConfig({ DATABASE_URL: engine.database.url, SECRETS_KEY });
  const code = await runCli([...args, '--json'], streams, config);
  expect([code, err]).toEqual([0, []]);
  return JSON.parse(out.join('\n'));
}

/** A self-signed certificate of this name; resolves to the paths of its files. */
async function makeCertificate(name: string): Promise<{ pem: string; key: string }> {
  const [pem, key] = [join(engine.folder, `${name}.pem`), join(engine.folder, `${name}.key`)];
  const curve = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1'.split(' ');
  const files = ['-keyout', key, '-out', pem];
  await execa('openssl', ['req', '-x509', '-nodes', '-subj', `/CN=${name}`, ...curve, ...files]);
  return { pem, key };
}

function isSigned(text: string, headers: unknown): boolean {
  try {
    new Webhook(signingSecret).verify(text, headers as Record<string, string>);
    return true;
  } catch {
    return false;
  }
}

beforeAll(async () => {
  engine = await TestEngine.create({
    isStarted: false,
    variables: { SECRETS_KEY, LOG_LEVEL: 'trace' },
  });
  client = new Client({
    connection: await Connection.connect({ address: inject('services').temporalAddress }),
    namespace: engine.namespace,
  });
  await mkdir(engine.folder, { recursive: true });
  const [own, theirs] = [await makeCertificate('acme-client'), await makeCertificate('receiver')];
  // it echoes what it got, the first time as an error
  receiver = createServer(
    {
      cert: await readFile(theirs.pem),
      key: await readFile(theirs.key),
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const name = String((request.socket as TLSSocket).getPeerCertificate().subject?.CN);
        const status = received.length === 0 ? 500 : 200;
        const isEnd = text.includes('"status"');
        received.push({ name, isSigned: isSigned(text, request.headers), isEnd });
        response.writeHead(status).end(JSON.stringify(request.headers));
      });
    },
  );
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  await engine.startApi();
  privateKey = await readFile(own.key, 'utf8');
  signingSecret = (await cli(['signing', 'acme', '--rotate'])).secret;
  await cli(['callbacks', 'acme', '--verify-tls', 'off', '--certificate', own.pem], privateKey);
  await engine.startWorker();
});

afterAll(async () => {
  await client?.connection.close();
  await new Promise((resolve) => {
    receiver.close(resolve);
    receiver.closeAllConnections();
  });
  await engine?.stop();
});

async function submitOne(): Promise<number> {
  await engine.sourceFolder('empty');
  const { port } = receiver.address() as AddressInfo;
  const jobId = await engine.submit({
    content_id: 'none',
    source_folder: 'empty',
    rest_endpoints: [`https://127.0.0.1:${port}/callback`],
  });
  await engine.untilEnded(jobId);
  return jobId;
}

/** Every text in a history, payloads decoded. */
function textsIn(value: unknown): readonly string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

async function dumpHistories(): Promise<string> {
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    texts.push(...textsIn(await client.workflow.getHandle(workflowId, runId).fetchHistory()));
  }
  return texts.join('\n');
}

/** Rows, histories and the processes' logs, each seen to hold something of what went on. */
async function dumpAll(): Promise<readonly string[]> {
  const [rows, histories] = [await dumpDatabase(engine.database.db), await dumpHistories()];
  const logs = await Promise.all(
    ['api.log', 'worker.log'].map((name) => readFile(join(engine.folder, name), 'utf8')),
  );
  expect(rows).toContain('signing_secret.rotate');
  expect(histories).toContain('deliver-acme-');
  expect(logs.join('')).toContain('may show any certificate');
  return [rows, histories, ...logs];
}

const ledger = async (jobId: number): Promise<any> =>
  (await engine.request(`/jobs/${jobId}/callbacks`)).json();

test('callbacks go out signed and with the certificate; neither secret is anywhere else', async () => {
  const jobId = await submitOne();
  await until(
    () => Promise.resolve(received.some((one) => one.isEnd) || undefined),
    60,
    'the job end',
  );
  expect(new Set(received.map((one) => one.name))).toEqual(new Set(['acme-client']));
  expect(received.every((one) => one.isSigned)).toBe(true);
  const attempts = (await ledger(jobId)).events.flatMap((event: any) =>
    event.deliveries.flatMap((delivery: any) => delivery.attempts),
  );
  expect(attempts.map((attempt: any) => attempt.tls_verified)).toContain(false);
  const replayed = await engine.request(`/jobs/${jobId}/callbacks/replay`, {
    method: 'POST',
    body: JSON.stringify({ force: true, event: `te_${jobId}_job_end` }),
  });
  expect(await replayed.json()).toMatchObject({ replayed: 1 });
  const ends = () => received.filter((one) => one.isEnd).length;
  await until(() => Promise.resolve(ends() >= 2 || undefined), 60, 'the job end once more');
  const keyLines = privateKey.split('\n').slice(1, -2);
  for (const text of await dumpAll()) {
    for (const secret of [signingSecret.slice('whsec_'.length), SECRETS_KEY, ...keyLines]) {
      expect(text.includes(secret)).toBe(false);
    }
  }
});

test.each([
  ['a signing secret', `whsec_${CANARY}!`, '{"certificate": "", "key": ""}'],
  ['a certificate', undefined, `{"key": ${CANARY}}`],
])('%s that cannot be read is told without a letter of it', async (_, secret, certificate) => {
  const { db } = engine.database;
  const { rows } = await sql<{ id: number }>`SELECT id FROM tenants WHERE name = 'acme'`.execute(
    db,
  );
  const tenantId = rows[0]?.id ?? 0;
  const sealed = box.seal(secret ?? signingSecret, signingContext(tenantId));
  await sql`UPDATE signing_secrets SET sealed = ${sealed}`.execute(db);
  const sealedCertificate = box.seal(certificate, certificateContext(tenantId));
  await sql`UPDATE callback_settings SET sealed_certificate = ${sealedCertificate}`.execute(db);
  const before = received.length;
  const jobId = await submitOne();
  const error = await until(
    async () => {
      const [event] = (await ledger(jobId)).events;
      return event?.deliveries[0].attempts[0]?.error as string | undefined;
    },
    60,
    'an attempt',
  );
  expect(error).toMatch(/^not sent: unexpected UnusableSecretError/);
  expect(received.length).toBe(before);
  for (const text of await dumpAll()) expect(text.includes(CANARY.slice(0, 8))).toBe(false);
});
