import { pino } from 'pino';
import { expect, test } from 'vitest';
import { repeat } from '../../../src/process/repeat.ts';

test('a turn that fails is told once for each outage and is no reason to stop', async () => {
  const told: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void told.push(line) });
  let turns = 0;
  const done = Promise.withResolvers<void>();
  const repeating = repeat(
    'sweeping',
    1,
    async () => {
      turns += 1;
      if (turns === 7) done.resolve();
      if (turns !== 1 && turns !== 4) throw new Error(`turn ${turns}`);
    },
    log,
  );
  await done.promise;
  await repeating.stop();
  expect(told.map((line) => JSON.parse(line).err.message)).toEqual(['turn 2', 'turn 5']);
  expect(told[0]).toContain('sweeping failed; it is tried again');
});

test('a stop waits for the turn that is under way and begins no other', async () => {
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  let turns = 0;
  const repeating = repeat(
    'working',
    1,
    async () => {
      turns += 1;
      entered.resolve();
      await release.promise;
    },
    pino({ level: 'silent' }),
  );
  await entered.promise;
  let isStopped = false;
  const stopping = repeating.stop().then(() => {
    isStopped = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isStopped).toBe(false);
  release.resolve();
  await stopping;
  expect(turns).toBe(1);
});
