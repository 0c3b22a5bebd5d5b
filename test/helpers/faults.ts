import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Db } from '../../src/store/db.ts';

/** Numbers from 0 to below 1 that a seed determines (mulberry32). */
export type Random = () => number;

/** Makes a {@link Random} of a seed. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `least` to `most`. */
export const between = (random: Random, least: number, most: number): number =>
  least + Math.floor(random() * (most - least + 1));

/** What an injected crash looks like to the code it hits. */
export class InjectedFault extends Error {
  override readonly name = 'InjectedFault';
}

/** When faults are injected: switched off for the recovery that a test checks. */
export interface FaultSwitch {
  isOn: boolean;
  count: number;
}

/**
 * A pool on which statements fail at random, half of them before they reach Postgres, half after: a
 * `commit` that fails the second way has committed, and its caller is told that it has not.
 */
export function createFaultyDb(options: {
  readonly url: string;
  readonly random: Random;
  /** Share of statements that fail. */
  readonly rate: number;
  readonly faults: FaultSwitch;
}): Db {
  const { random, faults } = options;
  const pool = new pg.Pool({ connectionString: options.url, max: 12 });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    const send = client.query.bind(client) as (...input: unknown[]) => Promise<unknown>;
    const sendOrFail = async (...input: unknown[]): Promise<unknown> => {
      const isSafe = !faults.isOn || input[0] === 'begin' || input[0] === 'rollback';
      const isHit = !isSafe && random() < options.rate;
      if (isHit) faults.count += 1;
      if (isHit && random() < 0.5) throw new InjectedFault('crashed before the statement');
      const result = await send(...input);
      if (isHit) throw new InjectedFault('crashed after the statement');
      return result;
    };
    client.query = sendOrFail as typeof client.query;
  });
  return new Kysely({ dialect: new PostgresDialect({ pool }) });
}
