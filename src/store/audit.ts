import { sql } from 'kysely';
import type { Db } from './db.ts';

/** A change that somebody made. */
export interface AuditEntry {
  /** The tenant that was changed; null where the change concerns all. */
  readonly tenantId: number | null;
  /** The name of the tenant that asked, `cli`, or `bootstrap` for what `BOOTSTRAP_TENANTS` made. */
  readonly actor: string;
  /** What was done, as `<thing>.<verb>`: `setting.update`, `schedule.switch`, `key.revoke`. */
  readonly action: string;
  /** What it was before and after. Never a secret. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Keeps who changed what. Belongs into the transaction of the change, so that there is none without it. */
export async function insertAudit(db: Db, entry: AuditEntry): Promise<void> {
  await sql`
    INSERT INTO audit (tenant_id, actor, action, detail)
    VALUES (${entry.tenantId}, ${entry.actor}, ${entry.action}, ${JSON.stringify(entry.detail)})`.execute(
    db,
  );
}

/** An entry as it is read. */
export interface AuditRow extends Omit<AuditEntry, 'tenantId'> {
  readonly at: Date;
  /** Null where the change concerned all. */
  readonly tenant: string | null;
}

/** The latest entries, newest first; `tenantId` null: of all. */
export async function listAudit(
  db: Db,
  tenantId: number | null,
  limit: number,
): Promise<readonly AuditRow[]> {
  const { rows } = await sql<AuditRow>`
    SELECT at, tenants.name AS tenant, actor, action, detail
    FROM audit LEFT JOIN tenants ON tenants.id = tenant_id
    WHERE ${tenantId}::integer IS NULL OR tenant_id = ${tenantId}
    ORDER BY audit.id DESC LIMIT ${limit}`.execute(db);
  return rows;
}
