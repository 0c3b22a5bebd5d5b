import { sql } from 'kysely';
import type { RemoteKind, StorageSide } from '../domain/storage-settings.ts';
import { assertNever } from '../domain/assert-never.ts';
import type { Db } from './db.ts';

/** Where a sealed value is kept. */
export type SealedPlace =
  | { readonly place: 'callback header'; readonly tenantId: number; readonly name: string }
  | { readonly place: 'signing secret'; readonly tenantId: number; readonly id: number }
  | { readonly place: 'client certificate'; readonly tenantId: number }
  | {
      readonly place: 'storage';
      readonly tenantId: number;
      readonly kind: RemoteKind;
      readonly side: StorageSide;
    };

/** A value that is kept sealed. */
export type SealedValue = SealedPlace & { readonly sealed: string };

/** Everything that is kept sealed, of all tenants. A table that gets sealed values belongs here too. */
export async function listSealedValues(db: Db): Promise<readonly SealedValue[]> {
  const { rows } = await sql<{ value: SealedValue }>`
    SELECT json_build_object(
      'place', 'callback header', 'tenantId', tenant_id, 'name', name, 'sealed', sealed) AS value
    FROM callback_headers
    UNION ALL
    SELECT json_build_object(
      'place', 'signing secret', 'tenantId', tenant_id, 'id', id, 'sealed', sealed)
    FROM signing_secrets
    UNION ALL
    SELECT json_build_object(
      'place', 'client certificate', 'tenantId', tenant_id, 'sealed', sealed_certificate)
    FROM callback_settings WHERE sealed_certificate IS NOT NULL
    UNION ALL
    SELECT json_build_object(
      'place', 'storage', 'tenantId', tenant_id, 'kind', kind, 'side', side, 'sealed', sealed)
    FROM tenant_storages WHERE sealed IS NOT NULL`.execute(db);
  return rows.map((row) => row.value);
}

/** Replaces how a value is sealed; one that was changed meanwhile is left as it is. */
export async function replaceSeal(db: Db, value: SealedValue, sealed: string): Promise<void> {
  await update(value, sealed).execute(db);
}

function update(value: SealedValue, sealed: string) {
  const { tenantId, sealed: former } = value;
  switch (value.place) {
    case 'callback header':
      return sql`
        UPDATE callback_headers SET sealed = ${sealed}
        WHERE tenant_id = ${tenantId} AND name = ${value.name} AND sealed = ${former}`;
    case 'signing secret':
      return sql`
        UPDATE signing_secrets SET sealed = ${sealed}
        WHERE tenant_id = ${tenantId} AND id = ${value.id} AND sealed = ${former}`;
    case 'client certificate':
      return sql`
        UPDATE callback_settings SET sealed_certificate = ${sealed}
        WHERE tenant_id = ${tenantId} AND sealed_certificate = ${former}`;
    case 'storage':
      return sql`
        UPDATE tenant_storages SET sealed = ${sealed}
        WHERE tenant_id = ${tenantId} AND kind = ${value.kind} AND side = ${value.side}
          AND sealed = ${former}`;
    default:
      return assertNever(value);
  }
}
