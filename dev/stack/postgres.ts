import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, readlink, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { isRunning } from '../process-identity.ts';
import { SetupError } from '../setup/error.ts';
import { type PostgresPrograms, runPostgres } from '../setup/postgres.ts';
import { probeUntilReady, startProcess } from './child-piece.ts';
import type { Piece } from './piece.ts';

const USER = 'engine';
const DATABASE = 'task_engine';
const STOP_GRACE_MS = 15_000;
const CONNECT_MS = 2_000;

/** Where an embedded Postgres lives and listens. */
export interface PostgresOptions {
  readonly programs: PostgresPrograms;
  /** Holds `data` and `server.log`; made when missing. */
  readonly folder: string;
  readonly port: number;
  /** Faster, and lost with the power: for tests only. */
  readonly isThrowAway?: boolean;
}

/** The connection string of an embedded Postgres on this port. */
export const postgresUrl = (port: number, database = DATABASE): string =>
  `postgres://${USER}@127.0.0.1:${port}/${database}`;

/** The embedded Postgres: loopback only, without a password, with its database made. */
export function postgresPiece(options: PostgresOptions): Piece {
  const { programs, folder, port } = options;
  return {
    name: 'Postgres',
    start: async () => {
      await mkdir(folder, { recursive: true });
      await ensureCluster(programs, join(folder, 'data'));
      await clearLeftOver(programs, join(folder, 'data'));
      return startProcess(
        {
          file: programs.postgres,
          args: ['-D', join(folder, 'data'), ...buildSettings(options)],
          prefix: programs.prefix,
          logFile: join(folder, 'server.log'),
          // SIGINT is its fast shutdown: sessions end, everything is written
          stopSignal: 'SIGINT',
          orphanSignal: 'SIGINT',
        },
        (_, signal) => probeUntilReady(() => ensureDatabase(port), signal),
        STOP_GRACE_MS,
      );
    },
  };
}

function buildSettings(options: PostgresOptions): string[] {
  const settings = [
    `port=${options.port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    ...(options.isThrowAway === true
      ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']
      : []),
  ];
  return settings.flatMap((one) => ['-c', one]);
}

/** Makes the data folder beside its place and moves it there whole: an interrupted one is no cluster. */
async function ensureCluster(programs: PostgresPrograms, data: string): Promise<void> {
  if (!existsSync(join(data, 'PG_VERSION'))) {
    const draft = `${data}.new`;
    await rm(draft, { recursive: true, force: true });
    await mkdir(draft, { mode: 0o700 });
    await programs.adopt(draft);
    const end = await runPostgres(programs, programs.initdb, [
      '-D',
      draft,
      '-U',
      USER,
      '--auth=trust',
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
    ]);
    if (!end.isOk) throw new SetupError(`could not make its data folder: ${end.reason}`);
    await chmod(draft, 0o700);
    await rename(draft, data);
  }
  await programs.adopt(data);
}

/**
 * Stops a server that a killed stack left over this data folder, and removes the pid file of a dead one.
 * Postgres itself takes a zombie, and any process that has the old id by now (after a restart of the
 * machine or the container), for a running server and refuses to start; `pg_ctl stop` would signal it.
 */
async function clearLeftOver(programs: PostgresPrograms, data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  if ((await isRunning(pid)) && (await isServerOf(pid, data))) {
    await runPostgres(programs, programs.pgCtl, [
      '-D',
      data,
      '-m',
      'fast',
      '-w',
      '-t',
      '30',
      'stop',
    ]);
    return;
  }
  // its backends notice its end within moments
  await delay(500);
  await rm(file, { force: true });
}

/** True where the process works in this data folder, as a server does; also where that is not known. */
async function isServerOf(pid: number, data: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  return folder === (await realpath(data));
}

async function ensureDatabase(port: number): Promise<void> {
  const client = new pg.Client({
    connectionString: postgresUrl(port, 'postgres'),
    connectionTimeoutMillis: CONNECT_MS,
  });
  // a connection that the starting server drops is told to the query as well
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [
      DATABASE,
    ]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}
