import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { isRunning } from '../process-identity.ts';
import { type PostgresPrograms, runPostgres } from '../setup/postgres.ts';
import { SetupError } from '../setup/error.ts';

const USER = 'engine';
const DATABASE = 'task_engine';

/** A running embedded Postgres. */
export interface PostgresServer {
  readonly url: string;
  readonly pid: number;
}

/** Options of a start. */
export interface PostgresOptions {
  readonly programs: PostgresPrograms;
  readonly folder: string;
  readonly port: number;
  /** Faster, and lost with the power: for tests only. */
  readonly isThrowAway?: boolean;
}

/**
 * Starts a server on loopback over its data folder, made when missing. One that a killed parent left
 * running is stopped first: its port may be another one.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { programs, folder, port } = options;
  const data = join(folder, 'data');
  await mkdir(folder, { recursive: true });
  if (!existsSync(join(data, 'PG_VERSION'))) {
    await rm(data, { recursive: true, force: true });
    const end = await runPostgres(programs, programs.initdb, [
      '-D', data, '-U', USER, '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync',
    ]);
    if (!end.isOk) throw new SetupError(`Postgres could not make its data folder: ${end.reason}`);
    await chmod(data, 0o700);
  }
  await stopPostgres(programs, folder);
  const settings = [
    `-p ${port}`,
    '-c listen_addresses=127.0.0.1',
    "-c unix_socket_directories=''",
    '-c max_connections=200',
    ...(options.isThrowAway === true
      ? ['-c fsync=off', '-c synchronous_commit=off', '-c full_page_writes=off']
      : []),
  ];
  const end = await runPostgres(programs, programs.pgCtl, [
    '-D', data, '-w', '-t', '60', '-l', join(folder, 'server.log'), '-o', settings.join(' '), 'start',
  ]);
  if (!end.isOk) throw new SetupError(`Postgres did not start: ${end.reason}; see ${folder}/server.log`);
  const server = `postgres://${USER}@127.0.0.1:${port}`;
  await ensureDatabase(`${server}/postgres`);
  const pid = await postmasterPid(folder);
  if (pid === undefined) throw new SetupError('Postgres started and ended again');
  return { url: `${server}/${DATABASE}`, pid };
}

/** Stops the server of a data folder, if one runs. */
export async function stopPostgres(programs: PostgresPrograms, folder: string): Promise<void> {
  const pid = await postmasterPid(folder);
  if (pid === undefined || !(await isRunning(pid))) return;
  await runPostgres(programs, programs.pgCtl, [
    '-D', join(folder, 'data'), '-m', 'fast', '-w', '-t', '30', 'stop',
  ]);
}

/** Process id of the server of a data folder, undefined where none was started. */
export async function postmasterPid(folder: string): Promise<number | undefined> {
  try {
    const text = await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8');
    const pid = Number(text.split('\n')[0]);
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}
