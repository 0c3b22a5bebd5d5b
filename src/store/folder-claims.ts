import { type RawBuilder, sql } from 'kysely';
import { type FolderClaims, upwards } from '../domain/folder-claims.ts';
import type { FolderHolder } from '../domain/folder-queue.ts';
import { JOB_STATES } from '../domain/job-state.ts';
import type { Db } from './db.ts';

/**
 * The jobs that hold their folders: started once and not ended, whether they run, are paused or were put
 * back. The condition of the index `jobs_holders`, word for word.
 */
export const HOLDS_FOLDERS = sql.raw('started_at IS NOT NULL AND ended_at IS NULL');

/** Columns of {@link FolderClaims}. */
export const CLAIM_COLUMNS = sql.raw('writes_to, reads_from, clears');

/** A row of {@link CLAIM_COLUMNS}. */
export interface ClaimRow {
  writes_to: string[];
  reads_from: string[];
  clears: boolean;
}

/** Maps a row of {@link CLAIM_COLUMNS}. */
export const claimsFromRow = (row: ClaimRow): FolderClaims => ({
  writesTo: row.writes_to,
  readsFrom: row.reads_from,
  clears: row.clears,
});

/** From as many on Postgres looks a text up by its hash; `&&` compares it with each: 300 ms for 1,000 and 10,000 rows. */
const HASHED = 9;

/** SQL: whether one of the folders in a column is among given ones. */
const holdsOneOf = (column: RawBuilder<unknown>, folders: readonly string[]) =>
  folders.length < HASHED
    ? sql`${column} && ${folders}::text[]`
    : sql`EXISTS (SELECT FROM unnest(${column}) AS folder WHERE folder = ANY(${folders}::text[]))`;

/**
 * SQL: whether the claims of a row, by its table or alias, clash with given ones; the rule of
 * `HeldFolders`, in the operators that take least time for each row.
 */
export const clashesWith = (table: string, claims: FolderClaims) => {
  const column = (name: keyof ClaimRow) => sql.ref(`${table}.${name}`);
  const { writesTo, readsFrom } = claims;
  const above = new Set([...writesTo, ...readsFrom].flatMap((folder) => [...upwards(folder)]));
  const below = sql`EXISTS (
    SELECT FROM unnest(${column('writes_to')} || ${column('reads_from')}) AS used,
                unnest(${writesTo}::text[]) AS cleared
    WHERE starts_with(used || '/', cleared || '/'))`;
  return sql<boolean>`(
    ${holdsOneOf(column('writes_to'), writesTo)}
    OR (${column('clears')} AND ${holdsOneOf(column('writes_to'), [...above])})
    OR ${claims.clears ? below : sql`false`})`;
};

/** Texts as one Postgres array literal, for a column of arrays: an array of arrays would be flattened. */
export const arrayLiteral = (texts: readonly string[]): string =>
  `{${texts.map((text) => `"${text.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`;

/** The jobs of a tenant that hold folders, oldest first. */
export async function listHolders(db: Db, tenantId: number): Promise<readonly FolderHolder[]> {
  const { rows } = await sql<ClaimRow & { id: number; is_at_work: boolean }>`
    SELECT id, ${CLAIM_COLUMNS},
           queue_state NOT IN (${JOB_STATES.paused}, ${JOB_STATES.queued}) AS is_at_work
    FROM jobs WHERE tenant_id = ${tenantId} AND ${HOLDS_FOLDERS} ORDER BY id`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    claims: claimsFromRow(row),
    isAtWork: row.is_at_work,
  }));
}
