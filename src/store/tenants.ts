import { sql } from 'kysely';
import { JOB_STATES } from '../domain/job-state.ts';
import { isTenantRole, type TenantRole } from '../domain/roles.ts';
import type { KeptStorage } from '../domain/storage-settings.ts';
import { IS_VALID } from './api-keys.ts';
import type { Db } from './db.ts';

/** A tenant: who submits jobs, with its roots and what its URLs may reach. */
export interface Tenant {
  readonly id: number;
  readonly name: string;
  /** Root of its sources; null where the server's default applies. */
  readonly inputRoot: string | null;
  /** Root of its assets; null where the server's default applies. */
  readonly outputRoot: string | null;
  readonly sourceStorage: string;
  /** Null: the same as the source's. */
  readonly destinationStorage: string | null;
  /** CIDR blocks besides the public networks that its URLs may lead to. */
  readonly allowedNetworks: readonly string[];
  /** What it may change besides its own jobs. */
  readonly roles: readonly TenantRole[];
  /** Its remote storages that are set up, credentials sealed; see `tenant-storages.ts`. */
  readonly remotes: readonly KeptStorage[];
  /** URLs that get the callbacks of every job besides the job's own. */
  readonly callbackUrls: readonly string[];
}

interface TenantRow {
  id: number;
  name: string;
  input_root: string | null;
  output_root: string | null;
  source_storage: string;
  destination_storage: string | null;
  allowed_networks: string[];
  roles: string[];
  remotes: KeptStorage[];
  callback_urls: string[];
}

const COLUMNS = sql.raw(`
  id, name, input_root, output_root, source_storage, destination_storage, allowed_networks, roles,
  (SELECT coalesce(json_agg(json_build_object(
            'tenantId', tenant_id, 'side', side, 'settings', settings, 'sealed', sealed)), '[]')
   FROM tenant_storages WHERE tenant_id = tenants.id) AS remotes,
  coalesce((SELECT default_urls FROM callback_settings WHERE tenant_id = tenants.id), '{}')
    AS callback_urls`);

const fromRow = (row: TenantRow): Tenant => ({
  id: row.id,
  name: row.name,
  inputRoot: row.input_root,
  outputRoot: row.output_root,
  sourceStorage: row.source_storage,
  destinationStorage: row.destination_storage,
  allowedNetworks: row.allowed_networks,
  roles: row.roles.filter(isTenantRole),
  remotes: row.remotes,
  callbackUrls: row.callback_urls,
});

/** A tenant by name. A disabled one too: the jobs that it has running go on. */
export async function getTenant(db: Db, name: string): Promise<Tenant | undefined> {
  const { rows } = await sql<TenantRow>`
    SELECT ${COLUMNS} FROM tenants WHERE name = ${name}`.execute(db);
  return rows[0] && fromRow(rows[0]);
}

/** A tenant with its valid keys. */
export interface TenantCredentials {
  readonly tenant: Tenant;
  readonly keys: readonly {
    readonly id: number;
    /** SHA-256 of the key. */
    readonly hash: Buffer;
  }[];
}

/**
 * A tenant by name with its keys, unless there is none or it is disabled. One statement with one row
 * either way: an unknown name takes no less time than a known one.
 */
export async function getTenantCredentials(
  db: Db,
  name: string,
): Promise<TenantCredentials | undefined> {
  const { rows } = await sql<Partial<TenantRow> & { key_ids: number[]; key_hashes: Buffer[] }>`
    SELECT ${COLUMNS}, key_ids, key_hashes
    FROM (SELECT ${name} AS given) AS asked
    LEFT JOIN tenants ON name = given AND disabled_at IS NULL,
    LATERAL (
      SELECT coalesce(array_agg(id), '{}') AS key_ids, coalesce(array_agg(key_hash), '{}') AS key_hashes
      FROM api_keys WHERE tenant_id = coalesce(tenants.id, 0) AND ${IS_VALID}) AS keys`.execute(db);
  const row = rows[0];
  if (row?.id === undefined || row.id === null) return undefined;
  return {
    tenant: fromRow(row as TenantRow),
    keys: row.key_hashes.map((hash, n) => ({ id: row.key_ids[n] ?? 0, hash })),
  };
}

/** A tenant that is to be made. */
export interface NewTenant extends Omit<Tenant, 'id' | 'roles' | 'callbackUrls' | 'remotes'> {
  /** Default none. */
  readonly roles?: readonly TenantRole[];
}

/** Adds a tenant; one of that name that exists already is left as it is. */
export async function insertTenant(db: Db, tenant: NewTenant): Promise<Tenant | undefined> {
  const { rows } = await sql<TenantRow>`
    INSERT INTO tenants (name, input_root, output_root, source_storage, destination_storage, allowed_networks, roles)
    VALUES (${tenant.name}, ${tenant.inputRoot}, ${tenant.outputRoot}, ${tenant.sourceStorage},
            ${tenant.destinationStorage}, ${tenant.allowedNetworks}::text[], ${tenant.roles ?? []}::text[])
    ON CONFLICT (name) DO NOTHING
    RETURNING ${COLUMNS}`.execute(db);
  return rows[0] && fromRow(rows[0]);
}

/** The tenants that may have jobs to admit: enabled, with queued ones. */
export async function listTenantsWithQueuedJobs(db: Db): Promise<readonly number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM tenants
    WHERE disabled_at IS NULL AND EXISTS (
      SELECT FROM jobs WHERE tenant_id = tenants.id AND queue_state = ${JOB_STATES.queued})`.execute(
    db,
  );
  return rows.map((row) => row.id);
}

/** A tenant as administrators see it. */
export interface TenantRecord extends Tenant {
  readonly createdAt: Date;
  /** Null while it is enabled. */
  readonly disabledAt: Date | null;
}

type RecordRow = TenantRow & { created_at: Date; disabled_at: Date | null };

const recordFrom = (row: RecordRow): TenantRecord => ({
  ...fromRow(row),
  createdAt: row.created_at,
  disabledAt: row.disabled_at,
});

/** All tenants by name, disabled ones too. */
export async function listTenants(db: Db): Promise<readonly TenantRecord[]> {
  const { rows } = await sql<RecordRow>`
    SELECT ${COLUMNS}, created_at, disabled_at FROM tenants ORDER BY name`.execute(db);
  return rows.map(recordFrom);
}

/** A tenant by name, held until the transaction ends: nobody else changes it or its keys meanwhile. */
export async function lockTenantRecord(
  transaction: Db,
  name: string,
): Promise<TenantRecord | undefined> {
  const { rows } = await sql<RecordRow>`
    SELECT ${COLUMNS}, created_at, disabled_at FROM tenants WHERE name = ${name}
    FOR NO KEY UPDATE`.execute(transaction);
  return rows[0] && recordFrom(rows[0]);
}

/** Writes what may change of a tenant. */
export async function updateTenant(db: Db, tenant: Tenant): Promise<void> {
  await sql`
    UPDATE tenants SET input_root = ${tenant.inputRoot}, output_root = ${tenant.outputRoot},
      source_storage = ${tenant.sourceStorage}, destination_storage = ${tenant.destinationStorage},
      allowed_networks = ${tenant.allowedNetworks}::text[], roles = ${tenant.roles}::text[]
    WHERE id = ${tenant.id}`.execute(db);
}

/** Disables or enables a tenant; one that is so already keeps the time since when. */
export async function setTenantDisabled(
  db: Db,
  tenantId: number,
  isDisabled: boolean,
): Promise<void> {
  await sql`
    UPDATE tenants SET disabled_at = CASE WHEN ${isDisabled} THEN coalesce(disabled_at, now()) END
    WHERE id = ${tenantId}`.execute(db);
}
