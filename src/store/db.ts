import { Kysely, PostgresDialect, type QueryResult, type RawBuilder, sql } from 'kysely';
import pg from 'pg';

// Ids are bigint in Postgres and stay far below 2^53; a text id would leak into every comparison.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** A connection pool or a transaction on it. Statements are written with the `sql` tag. */
export type Db = Kysely<unknown>;

/** Opens a pool. Connections are made when first needed, so a database that is down is no error here. */
export function createDb(options: {
  readonly url: string;
  readonly poolSize: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Told when an idle connection breaks, as it does when Postgres restarts. */
  readonly onError: (error: Error) => void;
}): Db {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    application_name: options.applicationName,
    connectionTimeoutMillis: 10_000,
    idle_in_transaction_session_timeout: 60_000,
    statement_timeout: 60_000,
    keepAlive: true,
  });
  pool.on('error', options.onError);
  pool.on('connect', (client) => {
    // the pool listens to idle connections only; one that breaks inside a transaction would end the process
    client.on('error', () => undefined);
    sendPreparedByName(client);
  });
  return new Kysely({ dialect: new PostgresDialect({ pool }) });
}

/** Names of prepared statements by their text. */
const preparedNames = new Map<string, string>();

/** Kysely hands texts to the driver; those that {@link executePrepared} has named go under their name. */
function sendPreparedByName(client: pg.PoolClient): void {
  const send = client.query.bind(client) as (...input: unknown[]) => unknown;
  const sendByName = (text: unknown, values: unknown, ...more: unknown[]): unknown => {
    const name = typeof text === 'string' ? preparedNames.get(text) : undefined;
    return name === undefined ? send(text, values, ...more) : send({ name, text, values });
  };
  client.query = sendByName as typeof client.query;
}

/**
 * Executes a statement that each connection prepares once: parsing and planning the larger ones takes
 * Postgres longer than running them. `name` belongs to one text, so nothing but parameters may vary.
 */
export function executePrepared<Row>(
  db: Db,
  name: string,
  query: RawBuilder<Row>,
): Promise<QueryResult<Row>> {
  const compiled = query.compile(db);
  preparedNames.set(compiled.sql, name);
  return db.executeQuery(compiled);
}

/** Runs `work` in one transaction, the one that `db` is where it is one; what it throws rolls everything back. */
export function inTransaction<Result>(
  db: Db,
  work: (transaction: Db) => Promise<Result>,
): Promise<Result> {
  return db.isTransaction ? work(db) : db.transaction().execute(work);
}

/**
 * Whether an error says that Postgres could not be reached, or gave up what it was doing for its own
 * reasons: the same statement may work later. What it says of the statement itself comes with a class of
 * its own (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    return /^(?:08|25P03|40|53|55|57|58|XX)/.test(error.code ?? '');
  }
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return (
    /^(?:ECONN|EPIPE|ETIMEDOUT|EHOST|ENET)/.test(code ?? '') ||
    /^Connection terminated|timeout exceeded when trying to connect|^Client has encountered a connection error/.test(
      message ?? '',
    )
  );
}

/** Answers when Postgres does. */
export async function pingDb(db: Db): Promise<void> {
  await sql`SELECT 1`.execute(db);
}

/** Closes the pool. */
export async function closeDb(db: Db): Promise<void> {
  await db.destroy();
}
