import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from '../src/log/logger.ts';

const LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const;

/** Sends the SDK's own log lines to ours; must run before the first worker or connection is made. */
export function installTemporalLog(log: Logger): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', (entry) => {
      // said of every activity-only worker, which is what we want
      if (entry.message.startsWith('No workflows registered')) return;
      const { error, ...meta } = entry.meta ?? {};
      log[LEVELS[entry.level]]({ ...meta, ...describe(error, entry.message) }, entry.message);
    }),
    // signals are the composition root's business
    shutdownSignals: [],
  });
}

/** Said of every failure of a task, which is in our own log with its stack already. */
const TOLD = ['Activity failed', 'Workflow failed'];

function describe(error: unknown, message: string): object {
  if (error === undefined) return {};
  if (!TOLD.includes(message) || !(error instanceof Error)) return { err: error };
  const isWrapped = error.message === 'Activity task failed' && error.cause instanceof Error;
  return { reason: isWrapped ? (error.cause as Error).message : error.message };
}
