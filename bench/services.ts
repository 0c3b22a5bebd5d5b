import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import setup from '../test/helpers/services.ts';

/** The services of a measurement: a Postgres with its usual durability off, and a Temporal server. */
export interface BenchServices {
  readonly postgresUrl: string;
  readonly temporalAddress: string;
  /** A folder that goes at the end. */
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

/** Starts what the test suite uses, so that a measurement needs no set-up of its own. */
export async function startServices(): Promise<BenchServices> {
  let found = { postgresUrl: '', temporalAddress: '' };
  const stop = await setup({
    provide: (_name: 'services', services: typeof found) => {
      found = services;
    },
  } as unknown as Parameters<typeof setup>[0]);
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-bench-'));
  return {
    ...found,
    folder,
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
