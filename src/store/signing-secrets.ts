import { sql } from 'kysely';
import type { Db } from './db.ts';

/** A secret that a tenant's callbacks are signed with. */
export interface StoredSigningSecret {
  readonly id: number;
  readonly sealed: string;
  readonly createdAt: Date;
  /** Null signs until it is replaced. */
  readonly expiresAt: Date | null;
}

/** The secrets of a tenant that sign now, the newest first. */
export async function listSigningSecrets(
  db: Db,
  tenantId: number,
): Promise<readonly StoredSigningSecret[]> {
  const { rows } = await sql<{
    id: number;
    sealed: string;
    created_at: Date;
    expires_at: Date | null;
  }>`
    SELECT id, sealed, created_at, expires_at FROM signing_secrets
    WHERE tenant_id = ${tenantId} AND coalesce(expires_at, 'infinity') > now()
    ORDER BY id DESC`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    sealed: row.sealed,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }));
}

/**
 * Adds a secret; those there are go on signing beside it for `overlapSeconds`, so that receivers can be
 * changed one after the other. Those that have ended are deleted, with 0 all former ones.
 */
export async function rotateSigningSecret(
  transaction: Db,
  tenantId: number,
  sealed: string,
  overlapSeconds: number,
): Promise<void> {
  await sql`
    UPDATE signing_secrets SET expires_at = now() + make_interval(secs => ${overlapSeconds})
    WHERE tenant_id = ${tenantId} AND coalesce(expires_at, 'infinity') > now() + make_interval(secs => ${overlapSeconds})`.execute(
    transaction,
  );
  await sql`
    DELETE FROM signing_secrets WHERE tenant_id = ${tenantId} AND expires_at <= now()`.execute(
    transaction,
  );
  await sql`INSERT INTO signing_secrets (tenant_id, sealed) VALUES (${tenantId}, ${sealed})`.execute(
    transaction,
  );
}

/** Ends all signing for a tenant; returns how many secrets that ended. */
export async function deleteSigningSecrets(db: Db, tenantId: number): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    DELETE FROM signing_secrets WHERE tenant_id = ${tenantId} RETURNING id`.execute(db);
  return rows.length;
}
