import { pino } from 'pino';
import { expect, test } from 'vitest';
import { untilItWorks } from '../../../src/process/until-it-works.ts';

test('each reason for waiting is told when it comes up, and not again while it lasts', async () => {
  const reasons = ['down', 'down', 'migrations pending', 'migrations pending', 'down'];
  const told: unknown[] = [];
  const log = pino({}, { write: (line: string) => told.push(JSON.parse(line).reason) });
  const result = await untilItWorks(
    'Postgres',
    () => {
      const reason = reasons.shift();
      return reason === undefined ? Promise.resolve('up') : Promise.reject(new Error(reason));
    },
    { log, retryMs: 1 },
  );
  expect(result).toBe('up');
  expect(told).toEqual(['down', 'migrations pending', 'down']);
});
