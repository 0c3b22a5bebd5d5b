import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createProgress } from '../dev/progress.ts';
import { ensurePostgres } from '../dev/setup/postgres.ts';
import { freePort } from '../dev/stack/free-port.ts';
import type { RunningPiece } from '../dev/stack/piece.ts';
import { postgresPiece } from '../dev/stack/pieces.ts';
import setup from '../test/helpers/services.ts';

/** The services of a measurement: a Postgres and a Temporal server. */
export interface BenchServices {
  readonly postgresUrl: string;
  readonly temporalAddress: string;
  /** A folder that goes at the end. */
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

/**
 * Starts what the test suite uses, so that a measurement needs no set-up of its own. With `isDurable`
 * Postgres is one of its own that writes as in production: a commit waits for the disk.
 */
export async function startServices(
  options: { readonly isDurable?: boolean } = {},
): Promise<BenchServices> {
  let found = { postgresUrl: '', temporalAddress: '' };
  const stop = await setup({
    provide: (_name: 'services', services: typeof found) => {
      found = services;
    },
  } as unknown as Parameters<typeof setup>[0]);
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-bench-'));
  const durable = options.isDurable === true ? await startDurable(folder) : undefined;
  return {
    ...found,
    ...(durable === undefined ? {} : { postgresUrl: durable.url }),
    folder,
    stop: async () => {
      await durable?.piece.stop();
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startDurable(folder: string): Promise<{ url: string; piece: RunningPiece }> {
  const programs = await ensurePostgres(createProgress(process.stdout));
  const port = await freePort(0, 'PORT');
  const piece = await postgresPiece({ programs, folder: join(folder, 'postgres'), port }).start();
  return { url: `postgres://engine@127.0.0.1:${port}`, piece };
}

/** Makes an empty database on the services' Postgres; its connection string. */
export async function createBenchDatabase(services: BenchServices, name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: `${services.postgresUrl}/postgres` });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  return `${services.postgresUrl}/${name}`;
}
