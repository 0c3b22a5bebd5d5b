import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { createAuthenticator } from '../../api/auth/authenticator.ts';
import { createApiKey, hashApiKey, hintOf } from '../../src/secrets/api-key.ts';
import { endApiKeys, insertApiKey, listApiKeys, revokeApiKeys } from '../../src/store/api-keys.ts';
import { getTenant } from '../../src/store/tenants.ts';
import { createTestApi } from '../helpers/api.ts';

const api = await createTestApi();
const { db } = api.database;
const acme = await getTenant(db, 'acme');
const tenantId = acme?.id ?? 0;

afterAll(() => api.stop());

/** Every process remembers keys for itself: a clock of its own shows each at its worst. */
function createProcess() {
  let nowMs = 0;
  return {
    authenticate: createAuthenticator(db, { nowMs: () => nowMs }),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

async function addKey(validSeconds: number | null = null): Promise<string> {
  const key = createApiKey();
  await insertApiKey(db, tenantId, { hash: hashApiKey(key), hint: hintOf(key), validSeconds });
  return key;
}

test('two keys are good at once, and a new one is from its first request', async () => {
  const one = createProcess();
  const first = await addKey();
  expect(await one.authenticate('acme', first)).toMatchObject({ name: 'acme' });
  const second = await addKey();
  one.pass(300);
  expect(await one.authenticate('acme', second)).toMatchObject({ name: 'acme' });
  expect(await one.authenticate('acme', first)).toMatchObject({ name: 'acme' });
});

test.each([
  ['revoked', () => revokeApiKeys(db, tenantId, null)],
  ['expired', () => endApiKeys(db, tenantId, 0)],
  [
    'of a disabled client',
    () => sql`UPDATE tenants SET disabled_at = now() WHERE id = ${tenantId}`.execute(db),
  ],
])('a key that is %s is dead in every process within 5 s', async (_, end) => {
  const key = await addKey();
  const processes = [createProcess(), createProcess(), createProcess()];
  for (const one of processes) expect(await one.authenticate('acme', key)).toBeDefined();
  await end();
  for (const one of processes) {
    one.pass(5000);
    expect(await one.authenticate('acme', key)).toBeUndefined();
  }
  await sql`UPDATE tenants SET disabled_at = NULL WHERE id = ${tenantId}`.execute(db);
});

test('a rotation under load fails no request', async () => {
  const process = createProcess();
  let key = await addKey();
  let hasFailed = false;
  const load = async (): Promise<void> => {
    for (let n = 0; n < 300; n++) {
      process.pass(20);
      hasFailed = (await process.authenticate('acme', key)) === undefined || hasFailed;
    }
  };
  const rotate = async (): Promise<void> => {
    for (let n = 0; n < 3; n++) {
      await endApiKeys(db, tenantId, 3600);
      key = await addKey();
    }
  };
  await Promise.all([load(), load(), rotate(), load()]);
  expect(hasFailed).toBe(false);
});

test('an earlier end is not put off by a later rotation', async () => {
  await revokeApiKeys(db, tenantId, null);
  await addKey(60);
  await endApiKeys(db, tenantId, 3600);
  const [key] = await listApiKeys(db, tenantId);
  const leftMs = (key?.expiresAt?.getTime() ?? 0) - Date.now();
  expect(leftMs).toBeLessThanOrEqual(61_000);
});

test('the use of a key is kept', async () => {
  await revokeApiKeys(db, tenantId, null);
  const key = await addKey();
  expect((await listApiKeys(db, tenantId))[0]?.lastUsedAt).toBeNull();
  const headers = { client: 'acme', 'api-key': key };
  expect((await api.send('GET', '/jobs', undefined, headers)).status).toBe(200);
  await expect
    .poll(async () => (await listApiKeys(db, tenantId))[0]?.lastUsedAt)
    .toBeInstanceOf(Date);
});

test('keys are in the database as hashes, with the end of their checksum', async () => {
  const key = await addKey();
  const { rows } = await sql<{ text: string }>`SELECT api_keys::text AS text FROM api_keys`.execute(
    db,
  );
  const all = rows.map((row) => row.text).join('\n');
  expect(all).toContain(hashApiKey(key).toString('hex'));
  expect(all).not.toContain(key.slice(0, 20));
});
