import { sql } from 'kysely';
import type { Db } from './db.ts';

/** Adds a key's hash (SHA-256, 32 bytes) to a tenant. A key that is there already is left alone. */
export async function insertApiKey(db: Db, tenantId: number, keyHash: Buffer): Promise<void> {
  await sql`
    INSERT INTO api_keys (tenant_id, key_hash) VALUES (${tenantId}, ${keyHash})
    ON CONFLICT (key_hash) DO NOTHING`.execute(db);
}

/** The hashes of a tenant's valid keys. */
export async function listApiKeyHashes(db: Db, tenantId: number): Promise<readonly Buffer[]> {
  const { rows } = await sql<{ key_hash: Buffer }>`
    SELECT key_hash FROM api_keys WHERE tenant_id = ${tenantId} AND revoked_at IS NULL`.execute(db);
  return rows.map((row) => row.key_hash);
}
