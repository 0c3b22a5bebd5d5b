import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../../../api/server.ts';
import { createProgress } from '../../../dev/progress.ts';
import { ensurePostgres } from '../../../dev/setup/postgres.ts';
import { ensureTemporal } from '../../../dev/setup/temporal.ts';
import { freePort } from '../../../dev/stack/free-port.ts';
import type { RunningPiece } from '../../../dev/stack/piece.ts';
import { postgresPiece, temporalPiece } from '../../../dev/stack/pieces.ts';
import { postgresUrl } from '../../../dev/stack/postgres.ts';
import { readConfig } from '../../../src/config/config.ts';
import { HealthJson } from '../../../src/contract/health.ts';
import { createLogger } from '../../../src/log/logger.ts';
import { submission } from '../../helpers/api.ts';
import { until } from '../../helpers/engine.ts';

/** The promise of `GET /health`, milliseconds. */
const ANSWERS_WITHIN_MS = 2000;
const CREDENTIALS = { client: 'acme', 'api-key': 'acme-secret-1' };

let folder: string;
let postgres: RunningPiece;
let temporal: RunningPiece;
let startPostgres: () => Promise<RunningPiece>;
let startTemporal: () => Promise<RunningPiece>;
let api: ApiServer;
/** Processes that are frozen now. */
let frozen: readonly number[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'task-engine-outages-'));
  const progress = createProgress(process.stdout);
  const programs = await ensurePostgres(progress);
  const program = await ensureTemporal(readConfig(), progress);
  const pgPort = await freePort(0, 'PORT');
  const port = await freePort(0, 'PORT');
  const uiPort = await freePort(0, 'PORT');
  startPostgres = () =>
    postgresPiece({
      programs,
      folder: join(folder, 'postgres'),
      port: pgPort,
      isThrowAway: true,
    }).start();
  startTemporal = () =>
    temporalPiece({
      program,
      port,
      uiPort,
      namespace: 'default',
      logFile: join(folder, 'temporal.log'),
    }).start();
  postgres = await startPostgres();
  temporal = await startTemporal();
  await mkdir(join(folder, 'input'));
  api = await startApiServer({
    databaseUrl: postgresUrl(pgPort),
    databasePoolSize: 5,
    temporalAddress: `127.0.0.1:${port}`,
    temporalNamespace: 'default',
    host: '127.0.0.1',
    port: 0,
    localInputRoot: join(folder, 'input'),
    localOutputRoot: join(folder, 'output'),
    bootstrapTenants: [{ name: 'acme', apiKey: 'acme-secret-1' }],
    isEmbedded: true,
    log: createLogger({ name: 'test', level: 'silent', format: 'json' }),
  });
});

afterEach(() => thaw());

afterAll(async () => {
  thaw();
  await api?.stop();
  await temporal?.stop();
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Stops a process and its children in their tracks: connections stay open, nobody answers. */
async function freeze(pid: number): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  frozen = [pid, ...children.trim().split(' ').filter(Boolean).map(Number)];
  for (const one of frozen) process.kill(one, 'SIGSTOP');
}

function thaw(): void {
  for (const one of frozen) {
    try {
      process.kill(one, 'SIGCONT');
    } catch {
      // a backend may have ended
    }
  }
  frozen = [];
}

const ask = async (path: string, headers: Record<string, string> = CREDENTIALS) => {
  const response = await fetch(`${api.url}${path}`, {
    headers,
    signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
  });
  return { status: response.status, json: (await response.json()) as unknown };
};

/** What `GET /health` says, in time. */
async function health(): Promise<HealthJson> {
  const { status, json } = await ask('/health');
  expect(status).toBe(200);
  return HealthJson.parse(json);
}

/** Waits until `GET /health`, each time in time, says this of the databases. */
const untilHealth = (databases: Partial<HealthJson['databases']>): Promise<HealthJson> =>
  until(
    async () => {
      const found = await health();
      const isIt = Object.entries(databases).every(
        ([name, state]) => found.databases[name as keyof HealthJson['databases']] === state,
      );
      return isIt ? found : undefined;
    },
    20,
    JSON.stringify(databases),
  );

const UP = { postgres: 'OK', temporal: 'OK', storage: 'OK' };

test('all is "OK" while all is up', async () => {
  const { databases, queues } = await untilHealth(UP);
  expect(databases).toEqual(UP);
  expect(queues['work']).toEqual({ workers: 0, working: 0, pending: 0 });
});

test('a Temporal that hangs is named within 2 s; counts and workers are told all the same', async () => {
  await freeze(temporal.pid);
  const { queues, jobs, databases } = await untilHealth({ temporal: 'no answer within 1.1 s' });
  expect(databases).toMatchObject({ postgres: 'OK', storage: 'OK' });
  expect(queues['work']).toEqual({ workers: 0, working: 0, pending: null });
  expect(jobs).toMatchObject({ queued: 0, max_jobs: 2 });
  thaw();
  await untilHealth(UP);
});

test('a Temporal that is down is named; the API stays ready and takes jobs', async () => {
  await temporal.stop();
  await untilHealth({ ...UP, temporal: 'cannot be asked (UNAVAILABLE)' });
  expect((await ask('/health/ready', {})).json).toEqual({ status: 'ok' });
  const response = await fetch(`${api.url}/job`, {
    method: 'POST',
    headers: { ...CREDENTIALS, 'content-type': 'application/json' },
    body: JSON.stringify(submission()),
  });
  expect(response.status).toBe(200);
  temporal = await startTemporal();
  await untilHealth(UP);
});

test('a Postgres that hangs is named within 2 s, and what it alone knows is null', async () => {
  await untilHealth(UP);
  await freeze(postgres.pid);
  const { databases, queues, jobs, tasks } = await untilHealth({
    postgres: 'no answer within 1.1 s',
  });
  expect(databases).toMatchObject({ temporal: 'OK', storage: 'OK' });
  expect(queues['work']).toEqual({ workers: 0, working: null, pending: 0 });
  expect(new Set([...Object.values(tasks), ...Object.values(jobs)])).toEqual(new Set([null]));
  expect(await ask('/health/live', {})).toMatchObject({ status: 200 });
  thaw();
  await untilHealth(UP);
});

test('a Postgres that is down is named to those who were known, and the API is not ready', async () => {
  await untilHealth(UP);
  await postgres.stop();
  const { queues } = await untilHealth({ ...UP, postgres: 'cannot be asked (ECONNREFUSED)' });
  expect(queues['work']).toMatchObject({ workers: 0, working: null });
  expect(await ask('/health', { ...CREDENTIALS, 'api-key': 'another' })).toEqual({
    status: 503,
    json: {
      error: 'Postgres cannot be asked for the credentials, and no login with them is remembered',
    },
  });
  expect(await ask('/health/live', {})).toMatchObject({ status: 200 });
  expect(await ask('/health/ready', {})).toEqual({
    status: 503,
    json: { status: 'unavailable', reason: 'postgres: cannot be asked (ECONNREFUSED)' },
  });
  postgres = await startPostgres();
  const { jobs } = await untilHealth(UP);
  expect(jobs.started).toBe(1);
  expect((await ask('/health/ready', {})).status).toBe(200);
});
