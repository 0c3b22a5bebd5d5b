import { type Logger, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';

export type { Logger } from 'pino';

/** Paths whose values never reach a log line. */
const SECRET_PATHS = [
  'apiKey',
  'api_key',
  'authorization',
  'password',
  'headers.authorization',
  'headers["api-key"]',
  '*.apiKey',
  '*.authorization',
  '*.password',
];

/**
 * The process's logger: one JSON object a line in production, a readable line elsewhere. `name` says
 * which process speaks (`api`, `worker`, `stack`).
 */
export function createLogger(options: {
  readonly name: string;
  readonly level: string;
  readonly format: 'json' | 'pretty';
}): Logger {
  const settings = {
    name: options.name,
    level: options.level,
    redact: { paths: SECRET_PATHS, censor: '***' },
  };
  if (options.format === 'json') return pino(settings);
  return pino(
    settings,
    PinoPretty({
      colorize: process.stdout.isTTY === true,
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: 'pid,hostname',
      singleLine: true,
    }),
  );
}
