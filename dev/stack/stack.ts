import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { LockHeldError, takeLock } from '../lock-file.ts';
import type { Progress } from '../progress.ts';
import { SetupError } from '../setup/error.ts';
import { ensureFfmpeg, ensurePackager } from '../setup/ffmpeg.ts';
import { planStack } from './plan.ts';
import type { StackAddresses } from './state-file.ts';
import { startSupervisor } from './supervisor.ts';

export type { StackAddresses } from './state-file.ts';

/** A running stack. */
export interface Stack {
  readonly addresses: () => StackAddresses;
  /** Stops worker and api, then Temporal, then Postgres. */
  readonly stop: () => Promise<void>;
}

/** How the stack is run. */
export interface StackOptions {
  /** True: api and worker write into files of the data folder instead of to our output. */
  readonly isQuiet: boolean;
  /** Ends a start that is under way: what is up is stopped again, and the signal's reason thrown. */
  readonly signal?: AbortSignal;
}

/** Starts the whole engine on this machine and looks after it until it is stopped. */
export async function startStack(
  config: Config,
  progress: Progress,
  options: StackOptions,
): Promise<Stack> {
  await mkdir(config.dataDir, { recursive: true });
  const unlock = await takeDataDir(config.dataDir);
  try {
    await ensureFfmpeg(config, progress);
    await ensurePackager(progress);
    const plan = await planStack(config, progress, options);
    const supervisor = await startSupervisor(plan, config.dataDir, progress, options.signal);
    return {
      addresses: supervisor.addresses,
      stop: async () => {
        await supervisor.stop();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** One stack a data folder. */
async function takeDataDir(dataDir: string): Promise<() => Promise<void>> {
  try {
    return await takeLock(join(dataDir, 'stack.lock'));
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    throw new SetupError(
      `${dataDir} is in use by the stack of process ${error.holder.pid}, up since ` +
        `${error.holder.since}. Stop that one, or set DATA_DIR to another folder`,
    );
  }
}
