import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { freePort } from '../../../dev/stack/free-port.ts';
import { nodePiece } from '../../../dev/stack/pieces.ts';
import type { RunningPiece } from '../../../dev/stack/piece.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { until } from '../../helpers/engine.ts';
import { PREVIOUS_LAST_MIGRATION } from './previous-version.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

let folder: string;
let database: TestDatabase;
let starting: Promise<RunningPiece> | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'task-engine-schema-'));
});

afterEach(async () => {
  await (await starting?.catch(() => undefined))?.stop();
  starting = undefined;
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

/** Starts an api; resolves when it is ready, which a waiting one is not. */
async function startApi(url: string, variables: Readonly<Record<string, string>>): Promise<string> {
  const port = await freePort(0, 'PORT');
  starting = nodePiece({
    name: 'api',
    script: 'api/main.ts',
    variables: {
      EMBEDDED: '1',
      DATABASE_URL: url,
      TEMPORAL_ADDRESS: inject('services').temporalAddress,
      DATA_DIR: folder,
      PORT: String(port),
      LOG_FORMAT: 'json',
      LOG_LEVEL: 'info',
      ...variables,
    },
    logFile: join(folder, 'api.log'),
  }).start();
  starting.catch(() => undefined);
  return `http://127.0.0.1:${port}`;
}

/** Waits for a line of the api's log that says something. */
const untilLogged = (text: string): Promise<string> =>
  until(
    async () => {
      const log = await readFile(join(folder, 'api.log'), 'utf8').catch(() => '');
      return log.split('\n').find((line) => line.includes(text));
    },
    30,
    `the log to say ${text}`,
  );

const isAlive = async (url: string): Promise<boolean> => (await fetch(url)).ok;

test('an api that shall not migrate says what is pending and what to do, waits, and starts when it is done', async () => {
  database = await createTestDatabase({ last: PREVIOUS_LAST_MIGRATION });
  const url = await startApi(database.url, { MIGRATE: 'never' });
  const line = await untilLogged('migrations pending');
  expect(line).toContain('0003_job_changes');
  expect(line).toContain('npm run migrate');
  await expect(fetch(url)).rejects.toThrow('fetch failed');

  const env = { DATABASE_URL: database.url };
  const cli = (...args: readonly string[]) =>
    execa(process.execPath, [join(ROOT, 'cli', 'migrate.ts'), ...args], { env, reject: false });
  expect(await cli('--pending')).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('0003_job_changes'),
  });
  expect(await cli()).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('applied: 0003_job_changes'),
  });
  expect(await cli('--pending')).toMatchObject({ exitCode: 0, stdout: 'nothing is pending' });
  await starting;
  expect(await isAlive(url)).toBe(true);
});

test('an api whose role may not change tables says so, and runs without that right once nothing is pending', async () => {
  database = await createTestDatabase({ last: PREVIOUS_LAST_MIGRATION });
  const role = `clerk_${Date.now()}`;
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  try {
    await admin.query(`CREATE ROLE ${role} LOGIN`);
    const grant = `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role};
                   GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${role}`;
    await admin.query(grant);
    const clerkUrl = new URL(database.url);
    clerkUrl.username = role;
    const url = await startApi(clerkUrl.href, {});
    const line = await untilLogged('may not apply it');
    expect(line).toContain('0003_job_changes');
    expect(line).toContain('npm run migrate');

    await execa(process.execPath, [join(ROOT, 'cli', 'migrate.ts')], {
      env: { DATABASE_URL: database.url },
    });
    await admin.query(grant);
    await starting;
    expect(await isAlive(url)).toBe(true);
  } finally {
    await (await starting?.catch(() => undefined))?.stop();
    await admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await admin.end();
  }
});

test('an api starts on a database that a later version has migrated', async () => {
  database = await createTestDatabase();
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await admin.query(`INSERT INTO kysely_migration VALUES ('9999_of_a_later_version', 'now')`);
  await admin.end();
  const url = await startApi(database.url, {});
  await starting;
  expect(await isAlive(url)).toBe(true);
});
