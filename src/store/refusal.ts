import pg from 'pg';

/** SQLSTATE classes of what Postgres refuses for what it is: data, constraints, limits of a row. */
const CLASSES = new Set(['22', '23', '54']);

/**
 * Whether Postgres refused a statement for what was in it, and so has kept nothing of it. Of any other
 * failure, a connection that broke above all, nobody knows whether it came before or after the commit.
 */
export const isRefusal = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && CLASSES.has(error.code?.slice(0, 2) ?? '');
