import { hashApiKey } from '../../src/secrets/api-key.ts';
import type { Tenant } from '../../src/store/tenants.ts';
import type { Authenticate } from '../auth/authenticator.ts';
import { ApiError } from '../errors.ts';
import { inTime } from './part.ts';

/** How long Postgres may take over the credentials of `GET /health`, milliseconds. */
const ASK_MS = 500;
/** A login is remembered for a day. */
const REMEMBER_MS = 24 * 60 * 60 * 1000;
/** Logins remembered; only good ones are. */
const MOST_LOGINS = 10_000;

/** An {@link Authenticate} for everything, and one for `GET /health` alone. */
export interface Logins {
  readonly authenticate: Authenticate;
  /**
   * Takes a login that was good within the last day while Postgres cannot be asked: otherwise the one
   * question that an outage is about could not be answered. Throws a 503 where none is remembered.
   */
  readonly authenticateInOutage: Authenticate;
}

/** Remembers good logins by the hash of their key; one that was refused since is forgotten. */
export function rememberLogins(
  authenticate: Authenticate,
  nowMs: () => number = () => performance.now(),
): Logins {
  const logins = new Map<string, { readonly tenant: Tenant; readonly sinceMs: number }>();
  const nameOf = (name: string, apiKey: string): string =>
    `${hashApiKey(apiKey).toString('base64')} ${name}`;

  const ask: Authenticate = async (name, apiKey) => {
    const tenant = await authenticate(name, apiKey);
    const login = nameOf(name, apiKey);
    // set anew, so that the first of the map is the oldest
    logins.delete(login);
    if (tenant !== undefined) logins.set(login, { tenant, sinceMs: nowMs() });
    const [oldest] = logins.keys();
    if (logins.size > MOST_LOGINS && oldest !== undefined) logins.delete(oldest);
    return tenant;
  };

  const recall = (name: string, apiKey: string): Tenant => {
    const login = logins.get(nameOf(name, apiKey));
    if (login !== undefined && nowMs() - login.sinceMs < REMEMBER_MS) return login.tenant;
    throw new ApiError(
      503,
      'Postgres cannot be asked for the credentials, and no login with them is remembered',
    );
  };

  return {
    authenticate: ask,
    authenticateInOutage: async (name, apiKey) => {
      const asked = ask(name, apiKey).then(
        (tenant) => ({ tenant }),
        () => undefined,
      );
      const answer = await inTime(asked, ASK_MS);
      return answer === undefined ? recall(name, apiKey) : answer.tenant;
    },
  };
}
