import { sql } from 'kysely';
import type { CallbackShape } from '../domain/callback-shape.ts';
import type { Db } from './db.ts';

/**
 * How a tenant wants its callbacks, beside headers and signing secrets. Its schedule is a setting,
 * `callback_schedule`, which it may change itself.
 */
export interface CallbackSettings {
  /** Templates of the bodies; null sends the contract's. */
  readonly shape: CallbackShape | null;
  /** URLs that get the callbacks of every job besides the job's own. */
  readonly defaultUrls: readonly string[];
  /** False: the receivers' certificates are not verified. */
  readonly verifiesTls: boolean;
  /** Certificate and key for receivers that ask for one, sealed. */
  readonly sealedCertificate: string | null;
}

const DEFAULTS: CallbackSettings = {
  shape: null,
  defaultUrls: [],
  verifiesTls: true,
  sealedCertificate: null,
};

interface Row {
  shape: CallbackShape | null;
  default_urls: string[];
  verifies_tls: boolean;
  sealed_certificate: string | null;
}

/** What a tenant has set, or what applies where it has set nothing. */
export async function getCallbackSettings(db: Db, tenantId: number): Promise<CallbackSettings> {
  const { rows } = await sql<Row>`
    SELECT shape, default_urls, verifies_tls, sealed_certificate
    FROM callback_settings WHERE tenant_id = ${tenantId}`.execute(db);
  const row = rows[0];
  if (row === undefined) return DEFAULTS;
  return {
    shape: row.shape,
    defaultUrls: row.default_urls,
    verifiesTls: row.verifies_tls,
    sealedCertificate: row.sealed_certificate,
  };
}

/** Sets all of a tenant's callback settings. */
export async function putCallbackSettings(
  db: Db,
  tenantId: number,
  settings: CallbackSettings,
): Promise<void> {
  const shape = settings.shape === null ? null : JSON.stringify(settings.shape);
  await sql`
    INSERT INTO callback_settings (tenant_id, shape, default_urls, verifies_tls, sealed_certificate)
    VALUES (${tenantId}, ${shape}::json, ${settings.defaultUrls}::text[],
            ${settings.verifiesTls}, ${settings.sealedCertificate})
    ON CONFLICT (tenant_id) DO UPDATE SET shape = excluded.shape, default_urls = excluded.default_urls,
      verifies_tls = excluded.verifies_tls,
      sealed_certificate = excluded.sealed_certificate, updated_at = now()`.execute(db);
}

/** Names of the tenants for whom the certificates of receivers are not verified. */
export async function listUnverifiedTenants(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM callback_settings JOIN tenants ON tenants.id = tenant_id
    WHERE NOT verifies_tls ORDER BY name`.execute(db);
  return rows.map((row) => row.name);
}
