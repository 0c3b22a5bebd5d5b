import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runCli } from '../../cli/run.ts';
import { readConfig } from '../../src/config/config.ts';
import { makeClip } from '../helpers/clips.ts';
import { dumpDatabase } from '../helpers/dump-database.ts';
import { dumpHistories } from '../helpers/dump-histories.ts';
import { TestEngine, until } from '../helpers/engine.ts';

const CANARY = 'canary-5d0c7a91e6b34f28';
const HEADER = `Bearer ${CANARY}`;
const SECRETS_KEY = randomBytes(32).toString('base64');

let engine: TestEngine;
let client: Client;
let receiver: Server;
let received: { readonly authorization: string | undefined; readonly isEnd: boolean }[] = [];

/** Runs the command line against the engine's database. */
async function cli(args: readonly string[], secret = ''): Promise<void> {
  const said: string[] = [];
  const code = await runCli(
    args,
    {
      out: (text) => said.push(text),
      err: (text) => said.push(text),
      readSecret: () => Promise.resolve(secret),
    },
    readConfig({ DATABASE_URL: engine.database.url, SECRETS_KEY }),
  );
  expect([code, said.join('\n')]).toEqual([0, expect.any(String)]);
}

beforeAll(async () => {
  engine = await TestEngine.create({ variables: { SECRETS_KEY, LOG_LEVEL: 'trace' } });
  client = new Client({
    connection: await Connection.connect({ address: inject('services').temporalAddress }),
    namespace: engine.namespace,
  });
  // a receiver that tells everybody what it got: the first time each as an error
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const isFirst = received.length === 0;
      const { authorization } = request.headers;
      const isEnd = Buffer.concat(chunks).includes('"status"');
      received.push({ authorization, isEnd });
      response.writeHead(isFirst ? 500 : 200).end(JSON.stringify(request.headers));
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  await makeClip(`${await engine.sourceFolder('clip')}/clip.mp4`, 2);
});

afterAll(async () => {
  await client?.connection.close();
  await new Promise((resolve) => {
    receiver.close(resolve);
    receiver.closeAllConnections();
  });
  await engine?.stop();
});

const submit = (sourceFolder: string): Promise<number> =>
  engine.submit({
    content_id: 'movie',
    source_folder: sourceFolder,
    output_folder: `out/${sourceFolder}`,
    rest_endpoints: [`http://127.0.0.1:${(receiver.address() as AddressInfo).port}/callback`],
  });

test('a callback header reaches the receiver and neither rows, nor logs, nor histories', async () => {
  await cli(['header', 'acme', 'Authorization'], HEADER);
  received = [];
  const failed = await submit('nothing-there');
  const good = await submit('clip');
  expect(await engine.untilEnded(failed)).toMatchObject({ failed: true });
  expect(await engine.untilEnded(good)).toMatchObject({ failed: false });
  const ends = (): number => received.filter((one) => one.isEnd).length;
  await until(() => Promise.resolve(ends() >= 2 ? true : undefined), 60, 'both job ends');
  expect(new Set(received.map((one) => one.authorization))).toEqual(new Set([HEADER]));

  const rows = await dumpDatabase(engine.database.db);
  const histories = await dumpHistories(client);
  const logs = await Promise.all(
    ['api.log', 'worker.log'].map((name) => readFile(join(engine.folder, name), 'utf8')),
  );
  const shown = await Promise.all(
    [failed, good].map(async (id) => (await engine.request(`/logs/${id}?show_all=1`)).text()),
  );
  // each place is one where something of these jobs is
  expect(rows).toContain('movie');
  expect(histories).toContain(`job-${good}`);
  expect(logs[0]).toContain('/job');
  expect(logs[1]).not.toBe('');
  for (const text of [rows, histories, ...logs, ...shown]) {
    expect(text.includes(CANARY)).toBe(false);
    expect(text.includes(SECRETS_KEY)).toBe(false);
  }
});

/** Whether a job ended after its tenant was disabled; undefined while it has not ended. */
async function endOf(jobId: number): Promise<{ readonly isAfter: boolean } | undefined> {
  const { rows } = await sql<{ isAfter: boolean | null }>`
    SELECT ended_at > disabled_at AS "isAfter" FROM jobs JOIN tenants ON tenants.id = tenant_id
    WHERE jobs.id = ${jobId}`.execute(engine.database.db);
  const isAfter = rows[0]?.isAfter ?? null;
  return isAfter === null ? undefined : { isAfter };
}

test('a client that is disabled is refused within 5 s, and its running job ends well', async () => {
  const running = await submit('clip');
  await until(
    async () => ((await engine.job(running)).queue_state === 'started' ? true : undefined),
    30,
    'the job to start',
  );
  await cli(['disable', 'acme']);
  await until(
    async () => ((await engine.request('/jobs')).status === 401 ? true : undefined),
    5,
    'the key to be refused',
  );
  // nobody may ask the API for it now
  const { isAfter } = await until(() => endOf(running), 90, 'the job to end');
  expect(isAfter).toBe(true);
  await cli(['enable', 'acme']);
  await until(
    async () => ((await engine.request('/jobs')).status === 200 ? true : undefined),
    5,
    'the key to be taken again',
  );
  expect(await engine.job(running)).toMatchObject({ queue_state: 'completed', failed: false });
});
