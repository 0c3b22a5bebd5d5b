import { sql } from 'kysely';
import type { FolderClaims } from '../domain/folder-claims.ts';
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

/** SQL: whether the claims of a row, by its table or alias, clash with given ones. */
export const clashesWith = (table: string, claims: FolderClaims) => {
  const column = (name: keyof ClaimRow) => sql.ref(`${table}.${name}`);
  return sql<boolean>`claims_clash(
    ${column('writes_to')}, ${column('reads_from')}, ${column('clears')},
    ${claims.writesTo}::text[], ${claims.readsFrom}::text[], ${claims.clears}::boolean)`;
};

/** Texts as one Postgres array literal, for a column of arrays: an array of arrays would be flattened. */
export const arrayLiteral = (texts: readonly string[]): string =>
  `{${texts.map((text) => `"${text.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`;

/** What jobs of a tenant hold that were started and have not ended. */
export async function listHolders(
  transaction: Db,
  tenantId: number,
): Promise<readonly { readonly id: number; readonly claims: FolderClaims }[]> {
  const { rows } = await sql<ClaimRow & { id: number }>`
    SELECT id, ${CLAIM_COLUMNS} FROM jobs
    WHERE tenant_id = ${tenantId} AND ${HOLDS_FOLDERS} ORDER BY id`.execute(transaction);
  return rows.map((row) => ({ id: row.id, claims: claimsFromRow(row) }));
}
