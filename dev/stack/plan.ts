import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import type { Progress } from '../progress.ts';
import { ensurePostgres } from '../setup/postgres.ts';
import { ensureTemporal } from '../setup/temporal.ts';
import { freePort, tryPort } from './free-port.ts';
import type { Piece } from './piece.ts';
import { nodePiece, postgresPiece, temporalPiece } from './pieces.ts';
import { postgresUrl } from './postgres.ts';
import { ensureSecretsKey } from './secrets-key.ts';
import type { StackPlan } from './supervisor.ts';

/** Addresses that stand for every interface; a client uses loopback instead. */
const EVERY_INTERFACE = ['0.0.0.0', '::'];

/** Decides which pieces run here and where: an address in the environment means that one does not. */
export async function planStack(
  config: Config,
  progress: Progress,
  options: { readonly isQuiet: boolean },
): Promise<StackPlan> {
  const apiPort = await freePort(config.port, 'PORT', config.host);
  const postgres = await planPostgres(config, progress);
  const temporal = await planTemporal(config, progress);
  const variables = {
    EMBEDDED: '1',
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: config.temporalNamespace,
    TEMPORAL_UI_URL: temporal.ui,
    DATA_DIR: config.dataDir,
    WORK_ROOT: config.workRoot,
    LOCAL_INPUT_ROOT: config.localInputRoot,
    LOCAL_OUTPUT_ROOT: config.localOutputRoot,
    HOST: config.host,
    PORT: String(apiPort),
    SECRETS_KEY: await secretsKey(config),
    BOOTSTRAP_TENANTS: config.bootstrapTenants.map((one) => `${one.name}:${one.apiKey}`).join(','),
  };
  const engine = (['api', 'worker'] as const).map((name) => ({
    name,
    piece: nodePiece({
      name,
      script: `${name}/main.ts`,
      variables,
      ...(options.isQuiet ? { logFile: join(config.dataDir, `${name}.log`) } : {}),
    }),
  }));
  const host = EVERY_INTERFACE.includes(config.host) ? '127.0.0.1' : config.host;
  return {
    addresses: {
      api: { url: `http://${host.includes(':') ? `[${host}]` : host}:${apiPort}` },
      worker: {},
      temporal: { address: temporal.address, ui: temporal.ui },
      postgres: { url: postgres.url },
    },
    pieces: [
      ...(postgres.piece === undefined
        ? []
        : [{ name: 'postgres' as const, piece: postgres.piece }]),
      ...(temporal.piece === undefined
        ? []
        : [{ name: 'temporal' as const, piece: temporal.piece }]),
      ...engine,
    ],
  };
}

/** What the environment says, else the data folder's own key. */
async function secretsKey(config: Config): Promise<string> {
  const given = config.secretsKeys.map((key) => key.toString('base64')).join(',');
  return given === '' ? ensureSecretsKey(config.dataDir) : given;
}

async function planPostgres(
  config: Config,
  progress: Progress,
): Promise<{ readonly url: string; readonly piece?: Piece }> {
  if (config.databaseUrl !== undefined) return { url: config.databaseUrl };
  const programs = await ensurePostgres(progress);
  const folder = join(config.dataDir, 'postgres');
  const port = await rememberedPort(folder);
  return { url: postgresUrl(port), piece: postgresPiece({ programs, folder, port }) };
}

/** The port of the last time, while it is free: a connection string stays good over restarts. */
async function rememberedPort(folder: string): Promise<number> {
  const file = join(folder, 'port');
  const last = Number(await readFile(file, 'utf8').catch(() => '0'));
  const port = (await tryPort(last)) ?? (await freePort(0, 'DATABASE_URL'));
  await mkdir(folder, { recursive: true });
  await writeFile(file, String(port));
  return port;
}

async function planTemporal(
  config: Config,
  progress: Progress,
): Promise<{ readonly address: string; readonly ui: string; readonly piece?: Piece }> {
  if (config.temporalAddress !== undefined) {
    return { address: config.temporalAddress, ui: config.temporalUiUrl };
  }
  const program = await ensureTemporal(config, progress);
  const port = await freePort(config.temporalPort, 'TEMPORAL_PORT');
  const uiPort = await freePort(config.temporalUiPort, 'TEMPORAL_UI_PORT');
  const piece = temporalPiece({
    program,
    port,
    uiPort,
    namespace: config.temporalNamespace,
    file: join(config.dataDir, 'temporal.db'),
    logFile: join(config.dataDir, 'temporal.log'),
  });
  return { address: `127.0.0.1:${port}`, ui: `http://127.0.0.1:${uiPort}`, piece };
}
