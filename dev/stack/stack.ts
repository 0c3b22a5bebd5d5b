import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { takeLock } from '../lock-file.ts';
import type { Progress } from '../progress.ts';
import { ensureFfmpeg, ensurePackager } from '../setup/ffmpeg.ts';
import { ensurePostgres } from '../setup/postgres.ts';
import { ensureTemporal } from '../setup/temporal.ts';
import { freePort } from './free-port.ts';
import { type Piece, type RunningPiece, type Supervised, supervise } from './piece.ts';
import { nodePiece, postgresPiece, temporalPiece } from './pieces.ts';

/** Where everything is; the content of `stack.json`. A piece that was not started has no pid. */
export interface StackAddresses {
  readonly api: { readonly url: string; readonly pid?: number };
  readonly worker: { readonly pid?: number };
  readonly temporal: { readonly address: string; readonly ui: string; readonly pid?: number };
  readonly postgres: { readonly url: string; readonly pid?: number };
}

/** A running stack. */
export interface Stack {
  readonly addresses: () => StackAddresses;
  /** Stops api and worker, then Temporal, then Postgres. */
  readonly stop: () => Promise<void>;
}

/** Where the engine's processes write their lines. */
export interface StackOptions {
  /** True: api and worker write into files of the data folder instead of to our output. */
  readonly isQuiet: boolean;
}

/** Starts the whole engine on this machine and looks after it until it is stopped. */
export async function startStack(
  config: Config,
  progress: Progress,
  options: StackOptions,
): Promise<Stack> {
  await mkdir(config.dataDir, { recursive: true });
  const unlock = await takeLock(join(config.dataDir, 'stack.lock'));
  const supervised: Supervised[] = [];
  const stopAll = async (): Promise<void> => {
    for (const one of supervised.toReversed()) await one.stop();
    await unlock();
  };
  try {
    await ensureFfmpeg(progress);
    await ensurePackager(progress);
    const plan = await planStack(config, progress, options);
    const pids: Record<string, number> = {};
    const addresses = (): StackAddresses => withPids(plan.addresses, pids);
    for (const [key, piece] of plan.pieces) {
      const started = await supervise(piece, {
        say: progress.line,
        onStart: async (running: RunningPiece) => {
          pids[key] = running.pid;
          await writeAddresses(config.dataDir, addresses());
        },
      });
      supervised.push(started);
    }
    return { addresses, stop: stopAll };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

type PieceName = keyof StackAddresses;

function withPids(addresses: StackAddresses, pids: Readonly<Record<string, number>>): StackAddresses {
  const one = (name: PieceName) => ({
    ...addresses[name],
    ...(pids[name] === undefined ? {} : { pid: pids[name] }),
  });
  return {
    api: one('api') as StackAddresses['api'],
    worker: one('worker'),
    temporal: one('temporal') as StackAddresses['temporal'],
    postgres: one('postgres') as StackAddresses['postgres'],
  };
}

async function planStack(
  config: Config,
  progress: Progress,
  options: StackOptions,
): Promise<{
  readonly addresses: StackAddresses;
  readonly pieces: readonly (readonly [PieceName, Piece])[];
}> {
  const pieces: [PieceName, Piece][] = [];
  const apiPort = await freePort(config.port, 'PORT');
  let databaseUrl = config.databaseUrl;
  if (databaseUrl === undefined) {
    const programs = await ensurePostgres(progress);
    const port = await freePort(0, 'DATABASE_URL');
    databaseUrl = `postgres://engine@127.0.0.1:${port}/task_engine`;
    const folder = join(config.dataDir, 'postgres');
    pieces.push(['postgres', postgresPiece({ programs, folder, port })]);
  }
  let temporalAddress = config.temporalAddress;
  let temporalUi = config.temporalUiUrl;
  if (temporalAddress === undefined) {
    const program = await ensureTemporal(config, progress);
    const port = await freePort(config.temporalPort, 'TEMPORAL_PORT');
    const uiPort = await freePort(config.temporalUiPort, 'TEMPORAL_UI_PORT');
    temporalAddress = `127.0.0.1:${port}`;
    temporalUi = `http://127.0.0.1:${uiPort}`;
    const piece = temporalPiece({
      program,
      port,
      uiPort,
      namespace: config.temporalNamespace,
      file: join(config.dataDir, 'temporal.db'),
      logFile: join(config.dataDir, 'temporal.log'),
    });
    pieces.push(['temporal', piece]);
  }
  const variables = {
    EMBEDDED: '1',
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    TEMPORAL_UI_URL: temporalUi,
    DATA_DIR: config.dataDir,
    PORT: String(apiPort),
    BOOTSTRAP_TENANTS: config.bootstrapTenants.map((one) => `${one.name}:${one.apiKey}`).join(','),
  };
  for (const name of ['api', 'worker'] as const) {
    const logFile = join(config.dataDir, `${name}.log`);
    const script = `${name}/main.ts`;
    pieces.push([name, nodePiece({ name, script, variables, ...(options.isQuiet ? { logFile } : {}) })]);
  }
  return {
    pieces,
    addresses: {
      api: { url: `http://127.0.0.1:${apiPort}` },
      worker: {},
      temporal: { address: temporalAddress, ui: temporalUi },
      postgres: { url: databaseUrl },
    },
  };
}

/** Whole or not at all: a reader never sees half a file. */
async function writeAddresses(dataDir: string, addresses: StackAddresses): Promise<void> {
  const file = join(dataDir, 'stack.json');
  await writeFile(`${file}.tmp`, `${JSON.stringify(addresses, null, 2)}\n`);
  await rename(`${file}.tmp`, file);
}
