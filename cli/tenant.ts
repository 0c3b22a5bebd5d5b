import { insertAudit } from '../src/store/audit.ts';
import { type Db, inTransaction } from '../src/store/db.ts';
import {
  getTenant,
  lockTenantRecord,
  type Tenant,
  type TenantRecord,
} from '../src/store/tenants.ts';
import { CliError } from './command.ts';

/** Who the audit says it was. */
export const ACTOR = 'cli';

const unknownTenant = (name: string): CliError =>
  new CliError(`There is no tenant ${JSON.stringify(name)}; list shows those there are`);

/** A tenant by name. Throws a {@link CliError} where there is none. */
export async function requireTenant(db: Db, name: string): Promise<Tenant> {
  const tenant = await getTenant(db, name);
  if (tenant === undefined) throw unknownTenant(name);
  return tenant;
}

/** What a change of a tenant leaves in the audit. */
export interface Change<Result> {
  readonly action: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly result: Result;
}

/** Changes a tenant, held meanwhile, and keeps it in the audit, in one transaction. */
export async function changeTenant<Result>(
  db: Db,
  name: string,
  work: (transaction: Db, tenant: TenantRecord) => Promise<Change<Result>>,
): Promise<Result> {
  return inTransaction(db, async (transaction) => {
    const tenant = await lockTenantRecord(transaction, name);
    if (tenant === undefined) throw unknownTenant(name);
    const { action, detail, result } = await work(transaction, tenant);
    await insertAudit(transaction, { tenantId: tenant.id, actor: ACTOR, action, detail });
    return result;
  });
}
