import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { createProgress } from '../../dev/progress.ts';
import { ensureFfmpeg, ensurePackager } from '../../dev/setup/ffmpeg.ts';
import { ensurePostgres } from '../../dev/setup/postgres.ts';
import { ensureTemporal } from '../../dev/setup/temporal.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { type Running, shareSetup } from './shared-setup.ts';
import { postgresPiece, temporalPiece } from '../../dev/stack/pieces.ts';
import { readConfig } from '../../src/config/config.ts';

/** Where the services of a test run are. */
export interface Services {
  /** Postgres without a database name. */
  readonly postgresUrl: string;
  readonly temporalAddress: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    services: Services;
  }
}

/** One Postgres and one Temporal for the whole run, shared by the projects that need them. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return shareSetup('services', start, (services) => project.provide('services', services));
}

async function start(): Promise<Running<Services>> {
  const progress = createProgress(process.stdout);
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-test-'));
  await ensureFfmpeg(readConfig(), progress);
  await ensurePackager(progress);
  const programs = await ensurePostgres(progress);
  const program = await ensureTemporal(readConfig(), progress);
  const [pgPort, port, uiPort] = [
    await freePort(0, 'PORT'),
    await freePort(0, 'PORT'),
    await freePort(0, 'PORT'),
  ];
  const postgres = await postgresPiece({
    programs,
    folder: join(folder, 'postgres'),
    port: pgPort,
    isThrowAway: true,
  }).start();
  const temporal = await temporalPiece({
    program,
    port,
    uiPort,
    namespace: 'default',
    logFile: join(folder, 'temporal.log'),
  }).start();
  return {
    value: {
      postgresUrl: `postgres://engine@127.0.0.1:${pgPort}`,
      temporalAddress: `127.0.0.1:${port}`,
    },
    stop: async () => {
      await temporal.stop();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
