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
      log[LEVELS[entry.level]](
        { ...meta, ...(error === undefined ? {} : { err: error }) },
        entry.message,
      );
    }),
    // signals are the composition root's business
    shutdownSignals: [],
  });
}
