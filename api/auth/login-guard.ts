import { hashApiKey } from '../../src/secrets/api-key.ts';
import { createRateLimiter } from '../limits/rate-limiter.ts';

/** Who tries to get in, from where. */
export interface Login {
  /** Undefined without a connection: then only the name is counted. */
  readonly address: string | undefined;
  readonly name: string;
  readonly apiKey: string;
}

/** Slows down those who try keys. */
export interface LoginGuard {
  /** Seconds until this address may try again, 0 where it may now. */
  readonly waitSeconds: (login: Login) => number;
  /** Counts a failure; seconds to wait where there were too many, for the address or for the name. */
  readonly failed: (login: Partial<Login>) => number;
  readonly passed: (login: Login) => void;
}

/** Logins remembered as good. */
const MOST_LOGINS = 10_000;

/**
 * Makes a {@link LoginGuard} with `perMinute` failures for each address and for each name; 0 limits
 * nothing. An address with too many is not listened to, but for logins that passed from it before: who
 * shares it with an attacker stays in. A name with too many only changes the answer to wrong keys, so
 * that nobody can lock another out.
 */
export function createLoginGuard(
  perMinute: number,
  nowMs: () => number = () => performance.now(),
): LoginGuard {
  const addresses = createRateLimiter(perMinute, { nowMs });
  const names = createRateLimiter(perMinute, { nowMs });
  const good = new Set<string>();
  const idOf = ({ address, name, apiKey }: Login): string =>
    `${address} ${hashApiKey(apiKey).toString('base64')} ${name}`;
  return {
    waitSeconds: (login) => {
      const wait = login.address === undefined ? 0 : addresses.waitSeconds(login.address);
      return wait > 0 && good.has(idOf(login)) ? 0 : wait;
    },
    failed: ({ address, name }) =>
      Math.max(
        address === undefined ? 0 : addresses.take(address),
        name === undefined ? 0 : names.take(name),
      ),
    passed: (login) => {
      const id = idOf(login);
      // set anew, so that the first of the set is the oldest
      good.delete(id);
      good.add(id);
      const [oldest] = good;
      if (good.size > MOST_LOGINS && oldest !== undefined) good.delete(oldest);
    },
  };
}
