import { sql } from 'kysely';
import type { Db } from './db.ts';

/** A key of a tenant, as far as it is known: the key itself is nowhere. */
export interface ApiKey {
  readonly id: number;
  /** Its last characters; blank where it is not one of ours. */
  readonly hint: string;
  readonly createdAt: Date;
  /** Within a minute; null where it never was. */
  readonly lastUsedAt: Date | null;
  /** Null: never. */
  readonly expiresAt: Date | null;
}

/** SQL: the keys that open the door now. */
export const IS_VALID = sql.raw(
  'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())',
);

/**
 * Adds a key's hash (SHA-256, 32 bytes) to a tenant and returns its id; undefined where it is there
 * already, which is left as it is.
 */
export async function insertApiKey(
  db: Db,
  tenantId: number,
  key: {
    readonly hash: Buffer;
    readonly hint: string;
    /** How long it is valid; null for ever. Default for ever. */
    readonly validSeconds?: number | null;
  },
): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO api_keys (tenant_id, key_hash, hint, expires_at)
    VALUES (${tenantId}, ${key.hash}, ${key.hint},
            now() + make_interval(secs => ${key.validSeconds ?? null}))
    ON CONFLICT (key_hash) DO NOTHING RETURNING id`.execute(db);
  return rows[0]?.id;
}

/** The valid keys of a tenant, oldest first. */
export async function listApiKeys(db: Db, tenantId: number): Promise<readonly ApiKey[]> {
  const { rows } = await sql<{
    id: number;
    hint: string | null;
    created_at: Date;
    last_used_at: Date | null;
    expires_at: Date | null;
  }>`
    SELECT id, hint, created_at, last_used_at, expires_at FROM api_keys
    WHERE tenant_id = ${tenantId} AND ${IS_VALID} ORDER BY id`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    hint: row.hint ?? '',
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  }));
}

/** Lets the valid keys of a tenant end after `seconds` at the latest. */
export async function endApiKeys(db: Db, tenantId: number, seconds: number): Promise<void> {
  await sql`
    UPDATE api_keys SET expires_at = least(expires_at, now() + make_interval(secs => ${seconds}))
    WHERE tenant_id = ${tenantId} AND ${IS_VALID}`.execute(db);
}

/** Revokes valid keys of a tenant, all or the one with this id, and returns their ids. */
export async function revokeApiKeys(
  db: Db,
  tenantId: number,
  keyId: number | null,
): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    UPDATE api_keys SET revoked_at = now()
    WHERE tenant_id = ${tenantId} AND ${IS_VALID} AND (${keyId}::integer IS NULL OR id = ${keyId})
    RETURNING id`.execute(db);
  return rows.map((row) => row.id);
}

/** Says that a key was used; once a minute is enough. */
export async function touchApiKey(db: Db, keyId: number): Promise<void> {
  await sql`
    UPDATE api_keys SET last_used_at = now()
    WHERE id = ${keyId} AND (last_used_at IS NULL OR last_used_at < now() - interval '50 seconds')`.execute(
    db,
  );
}

/** Whose key has this hash, and whether it is valid. */
export async function findKeyOwner(
  db: Db,
  hash: Buffer,
): Promise<
  { readonly tenant: string; readonly keyId: number; readonly isValid: boolean } | undefined
> {
  const { rows } = await sql<{ tenant: string; id: number; valid: boolean }>`
    SELECT tenants.name AS tenant, api_keys.id, disabled_at IS NULL AND ${IS_VALID} AS valid
    FROM api_keys JOIN tenants ON tenants.id = tenant_id WHERE key_hash = ${hash}`.execute(db);
  const row = rows[0];
  return row && { tenant: row.tenant, keyId: row.id, isValid: row.valid };
}
