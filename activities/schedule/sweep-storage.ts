import type { Logger } from '../../src/log/logger.ts';
import type { SweepPassResult } from './contract.ts';
import { type Pass, withHeartbeat } from './pass.ts';

/** Looks for one kind of thing that dead jobs have left, and removes it. Throws where it cannot look. */
export type Sweep = (pass: Pass) => Promise<void>;

/**
 * Runs all sweeps side by side. One that fails is told in the log and in the result, and stops none of
 * the others: the next tick is its retry. Throws when the pass is called off.
 */
export async function sweepStorage(
  deps: { readonly log: Logger; readonly sweeps: Readonly<Record<string, Sweep>> },
  pass: Pass,
): Promise<SweepPassResult> {
  const failed: string[] = [];
  const open = new Set(Object.keys(deps.sweeps));
  const run = async (name: string, sweep: Sweep): Promise<void> => {
    try {
      await sweep(pass);
    } catch (error) {
      if (!pass.signal.aborted) deps.log.error({ err: error, sweep: name }, 'a sweep failed');
      failed.push(name);
    } finally {
      open.delete(name);
    }
  };
  await withHeartbeat(
    pass,
    () => ({ sweeping: [...open] }),
    async () => {
      const runs = Object.entries(deps.sweeps).map(([name, sweep]) => run(name, sweep));
      await Promise.all(runs);
    },
  );
  pass.signal.throwIfAborted();
  return { failed };
}
