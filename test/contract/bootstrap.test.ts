import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { bootstrapTenants } from '../../api/bootstrap.ts';
import { createLogger } from '../../src/log/logger.ts';
import { revokeApiKeys } from '../../src/store/api-keys.ts';
import { getTenant, getTenantCredentials } from '../../src/store/tenants.ts';
import { createTestDatabase } from '../helpers/database.ts';

const database = await createTestDatabase();
const { db } = database;
const log = createLogger({ name: 'test', level: 'silent', format: 'json' });

afterAll(() => database.drop());

const start = (tenants: Readonly<Record<string, string>>, isEmbedded = false) =>
  bootstrapTenants(
    { db, log },
    Object.entries(tenants).map(([name, apiKey]) => ({ name, apiKey })),
    { isEmbedded },
  );

test('tenants of the embedded stack get both roles and loopback, others neither', async () => {
  await start({ local: 'local-secret-1' }, true);
  await start({ remote: 'remote-secret-1' });
  expect(await getTenant(db, 'local')).toMatchObject({
    roles: ['tenant_admin', 'system_admin'],
    allowedNetworks: ['127.0.0.0/8', '::1/128'],
  });
  expect(await getTenant(db, 'remote')).toMatchObject({ roles: [], allowedNetworks: [] });
});

test('several processes that start at once make one tenant, one key, one entry in the audit', async () => {
  await Promise.all(Array.from({ length: 5 }, () => start({ acme: 'acme-secret-1' })));
  await start({ acme: 'acme-secret-1' });
  expect((await getTenantCredentials(db, 'acme'))?.keys).toHaveLength(1);
  const { rows } = await sql<{ action: string }>`
    SELECT action FROM audit JOIN tenants ON tenants.id = tenant_id
    WHERE tenants.name = 'acme' AND actor = 'bootstrap'`.execute(db);
  expect(rows).toEqual([{ action: 'tenant.create' }]);
});

test('a revoked key of the environment stays revoked over restarts', async () => {
  await start({ zoe: 'zoe-secret-1' });
  await revokeApiKeys(db, (await getTenant(db, 'zoe'))?.id ?? 0, null);
  await start({ zoe: 'zoe-secret-1' });
  expect((await getTenantCredentials(db, 'zoe'))?.keys).toEqual([]);
});
