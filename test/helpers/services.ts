import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { createProgress } from '../../dev/progress.ts';
import { ensureFfmpeg, ensurePackager } from '../../dev/setup/ffmpeg.ts';
import { ensurePostgres } from '../../dev/setup/postgres.ts';
import { ensureTemporal } from '../../dev/setup/temporal.ts';
import { freePort } from '../../dev/stack/free-port.ts';
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

interface Shared {
  running: Promise<{ services: Services; stop: () => Promise<void> }> | undefined;
  users: number;
}

// every project loads this file anew, within one process
const KEY = Symbol.for('task-engine.test-services');
const holder = globalThis as unknown as Record<symbol, Shared | undefined>;
holder[KEY] ??= { running: undefined, users: 0 };
const shared = holder[KEY];

/** One Postgres and one Temporal for the whole run, shared by the projects that need them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.users += 1;
  shared.running ??= start();
  const { services, stop } = await shared.running;
  project.provide('services', services);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.running = undefined;
    await stop();
  };
}

async function start(): Promise<{ services: Services; stop: () => Promise<void> }> {
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
    services: {
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
