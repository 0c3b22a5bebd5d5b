import { sql } from 'kysely';
import type { Db } from './db.ts';

/** Adds a key's hash (SHA-256, 32 bytes) to a tenant. A key that is there already is left alone. */
export async function insertApiKey(db: Db, tenantId: number, keyHash: Buffer): Promise<void> {
  await sql`
    INSERT INTO api_keys (tenant_id, key_hash) VALUES (${tenantId}, ${keyHash})
    ON CONFLICT (key_hash) DO NOTHING`.execute(db);
}
