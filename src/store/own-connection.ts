import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Db } from './db.ts';

/** Where to connect, and for how long. */
export interface OwnConnection {
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** For connecting and all of the work, milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Runs `work` on a connection made for it. When its time is up the connection is cut, however deaf the
 * other side is, and the call rejects: it tells what Postgres does now, holds no connection of a pool,
 * and leaves none behind. Throws what connecting or `work` throws.
 */
export async function onOwnConnection<Result>(
  options: OwnConnection,
  work: (db: Db) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    connectionString: options.url,
    application_name: options.applicationName,
    // Postgres gives up as well, so that a slow statement does not run on for nobody
    statement_timeout: options.timeoutMs,
  });
  let cut: (error: Error) => void = () => undefined;
  const isCut = new Promise<never>((_resolve, reject) => {
    cut = reject;
  });
  // told to those who wait below
  isCut.catch(() => undefined);
  client.on('error', cut);
  const timer = setTimeout(() => cut(new Error('no answer in time')), options.timeoutMs);
  const db: Db = new Kysely({ dialect: new PostgresDialect({ pool: poolOf(client) }) });
  try {
    await Promise.race([client.connect(), isCut]);
    const result = await Promise.race([work(db), isCut]);
    await Promise.race([client.end(), isCut]);
    return result;
  } finally {
    clearTimeout(timer);
    client.connection.stream.destroy();
  }
}

/** The client as a pool of one. */
const poolOf = (client: pg.Client) => ({
  connect: () => Promise.resolve(Object.assign(client, { release: () => undefined })),
  end: () => Promise.resolve(),
  options: {},
});
