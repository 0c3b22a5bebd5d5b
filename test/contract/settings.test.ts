import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import type { TenantRole } from '../../src/domain/roles.ts';
import { KNOWN_SETTINGS } from '../../src/domain/settings.ts';
import { ACME, createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';

const api: TestApi = await createTestApi();
const { db } = api.database;

afterAll(() => api.stop());

async function giveRoles(tenant: string, roles: readonly TenantRole[]): Promise<void> {
  await sql`UPDATE tenants SET roles = ${roles}::text[] WHERE name = ${tenant}`.execute(db);
}

// roles are remembered with the keys: every test has tenants in the same two roles
await giveRoles('acme', []);
await giveRoles('other', ['system_admin']);

beforeEach(async () => {
  await sql`TRUNCATE settings, system_settings, setting_caps, audit`.execute(db);
});

const set = (body: unknown, headers = ACME) => api.send('POST', '/settings', body, headers);
const cap = (body: unknown) => api.send('PUT', '/settings/caps', body, OTHER);
const show = async (headers = ACME, query = '') =>
  (await api.send('GET', `/settings${query}`, undefined, headers)).json.settings;

test('a setting is created, then updated, in the words of the contract', async () => {
  const created = await set({ name: 'max_jobs', setting: 4 });
  expect([created.status, created.json]).toEqual([
    200,
    { result: 'ok', message: 'max_jobs setting created' },
  ]);
  expect((await set({ name: 'max_jobs', setting: '5' })).json).toEqual({
    result: 'ok',
    message: 'max_jobs setting updated',
  });
});

test.each([
  ['a number', 'max_jobs', 4, 4],
  ['a number as text', 'max_jobs', ' 4 ', 4],
  ['a new name with a number', 'house_style', 7.5, '7.5'],
  ['a new name with a boolean', 'house_style', true, 'true'],
  ['a new name with text', 'house_style', 'blue', 'blue'],
  ['a name that every object has', 'constructor', 'x', 'x'],
])('%s is kept as what it means', async (_, name, setting, shown) => {
  expect((await set({ name, setting })).status).toBe(200);
  expect((await show())[name]).toMatchObject({ setting: shown, origin: 'own' });
});

const ends = Object.entries(KNOWN_SETTINGS).filter(([name]) => name !== 'job_retention_days');

test.each(ends)('%s takes its least and its most, and nothing beyond', async (name, rule) => {
  for (const setting of [rule.least, rule.most]) {
    expect((await set({ name, setting })).status).toBe(200);
  }
  for (const setting of [rule.least - 1, rule.most + 1, 1.5, true, 'many', '', '1e1000', 'NaN']) {
    const answer = await set({ name, setting });
    expect([setting, answer.status, answer.json]).toEqual([
      setting,
      400,
      { error: `setting: must be a whole number from ${rule.least} to ${rule.most}` },
    ]);
  }
  expect((await show())[name].setting).toBe(rule.most);
});

test.each([
  ['no body', undefined, 'the body'],
  ['a list', [], 'the body'],
  ['no name', { setting: 1 }, 'name'],
  ['a name of another type', { name: 1, setting: 1 }, 'name'],
  ['capitals in the name', { name: 'Max', setting: 1 }, 'name'],
  ['a name of 64 characters', { name: 'a'.repeat(64), setting: 1 }, 'name'],
  ['a name that is SQL', { name: "a'; DROP TABLE jobs; --", setting: 1 }, 'name'],
  ['no setting', { name: 'max_jobs' }, 'setting'],
  ['an object as setting', { name: 'x', setting: {} }, 'setting'],
  ['1001 characters', { name: 'x', setting: 'x'.repeat(1001) }, 'setting'],
  ['a NUL', { name: 'x', setting: 'a\u0000b' }, 'setting'],
  ['an unknown scope', { name: 'x', setting: 1, scope: 'all' }, 'scope'],
  ['an unknown field', { name: 'x', setting: 1, tenant_id: 2 }, 'the body'],
  ['the system’s retention', { name: 'job_retention_days', setting: 3 }, 'name'],
])('%s is refused with 400 and the name of the field', async (_, body, field) => {
  const answer = await set(body);
  expect(answer.status).toBe(400);
  expect(answer.json.error).toMatch(new RegExp(`^${field}: `));
  const { rows } = await sql`SELECT FROM settings`.execute(db);
  expect(rows).toEqual([]);
});

test('a client may have 100 settings and change them, not 101', async () => {
  for (let n = 0; n < 100; n++) await set({ name: `own_${n}`, setting: n });
  expect((await set({ name: 'one_more', setting: 1 })).json).toEqual({
    error: 'name: there are 100 settings already',
  });
  expect((await set({ name: 'own_7', setting: 8 })).status).toBe(200);
});

test('ten that make the last setting at once make one', async () => {
  for (let n = 0; n < 99; n++) await set({ name: `own_${n}`, setting: n });
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => set({ name: `last_${n}`, setting: n })),
  );
  expect(answers.map((one) => one.status).sort((a, b) => a - b)).toEqual([
    200, 400, 400, 400, 400, 400, 400, 400, 400, 400,
  ]);
});

test('null takes a setting away and the default applies again', async () => {
  await set({ name: 'max_jobs', setting: 7 });
  expect((await set({ name: 'max_jobs', setting: null })).json.message).toBe(
    'max_jobs setting removed',
  );
  expect((await show())['max_jobs']).toMatchObject({ setting: 2, origin: 'default' });
});

test('what applies is the own setting, else the system’s, else the default', async () => {
  expect((await show())['retry_limit']).toMatchObject({ setting: 3, origin: 'default' });
  await set({ name: 'retry_limit', setting: 9, scope: 'system' }, OTHER);
  expect((await show())['retry_limit']).toMatchObject({ setting: 9, origin: 'system' });
  await set({ name: 'retry_limit', setting: 1 });
  expect((await show())['retry_limit']).toMatchObject({ setting: 1, origin: 'own' });
});

test('a plain client stays within its caps, which hold for text and new names too', async () => {
  await cap({ name: 'max_jobs', most: 10 });
  await cap({ name: 'house_limit', least: 2, most: 4 });
  expect((await show())['max_jobs']).toMatchObject({ least: 0, most: 10 });
  expect((await set({ name: 'max_jobs', setting: 10 })).status).toBe(200);
  for (const setting of [11, '11', 1000]) {
    const answer = await set({ name: 'max_jobs', setting });
    expect([answer.status, answer.json]).toEqual([
      403,
      { error: 'setting: may be 10 at most for this client' },
    ]);
  }
  expect((await set({ name: 'house_limit', setting: '1' })).status).toBe(403);
  expect((await set({ name: 'house_limit', setting: 'many' })).status).toBe(400);
  expect((await show())['max_jobs'].setting).toBe(10);
});

test('a cap of one client goes before the one for all, and can be taken away', async () => {
  await cap({ name: 'max_jobs', most: 10 });
  await cap({ name: 'max_jobs', most: 20, tenant: 'acme' });
  expect((await set({ name: 'max_jobs', setting: 20 })).status).toBe(200);
  expect((await cap({ name: 'max_jobs', tenant: 'acme' })).json.message).toBe(
    'max_jobs cap removed',
  );
  expect((await set({ name: 'max_jobs', setting: 11 })).status).toBe(403);
});

test('caps do not bind an administrator', async () => {
  await cap({ name: 'max_jobs', most: 10 });
  expect((await set({ name: 'max_jobs', setting: 500 }, OTHER)).status).toBe(200);
  expect((await show(OTHER))['max_jobs']).toMatchObject({ setting: 500, most: 1000 });
});

test('a plain client touches neither the system, nor caps, nor other clients', async () => {
  for (const [method, path, body] of [
    ['POST', '/settings', { name: 'max_jobs', setting: 3, scope: 'system' }],
    ['POST', '/settings', { name: 'max_jobs', setting: 3, tenant: 'other' }],
    ['POST', '/settings', { name: 'max_jobs', setting: 3, tenant: 'nobody' }],
    ['PUT', '/settings/caps', { name: 'max_jobs', most: 1000 }],
    ['PUT', '/settings/caps', { name: 'max_jobs', most: 1000, tenant: 'acme' }],
    ['GET', '/settings?scope=system', undefined],
    ['GET', '/settings?tenant=other', undefined],
    ['GET', '/settings?tenant=nobody', undefined],
  ] as const) {
    const answer = await api.send(method, path, body);
    expect([path, body, answer.status]).toEqual([path, body, 403]);
    expect(answer.json.error).toContain('needs the role system_admin');
  }
  const { rows } = await sql`SELECT FROM audit`.execute(db);
  expect(rows).toEqual([]);
});

test('a system administrator sets another client’s settings, by name', async () => {
  const change = { name: 'max_jobs', setting: 9, tenant: 'acme' };
  expect((await set(change, OTHER)).status).toBe(200);
  expect((await show())['max_jobs']).toMatchObject({ setting: 9, origin: 'own' });
  expect((await show(OTHER))['max_jobs']).toMatchObject({ setting: 2, origin: 'default' });
  expect((await show(OTHER, '?tenant=acme'))['max_jobs'].setting).toBe(9);
  expect((await set({ ...change, tenant: 'nobody' }, OTHER)).status).toBe(404);
});

test('the system and a client cannot be meant at once', async () => {
  const refusal = { error: 'tenant: must be left out with the scope system' };
  const both = { name: 'max_jobs', setting: 9, scope: 'system', tenant: 'acme' };
  const changed = await set(both, OTHER);
  expect([changed.status, changed.json]).toEqual([400, refusal]);
  const query = '/settings?scope=system&tenant=acme';
  const shown = await api.send('GET', query, undefined, OTHER);
  expect([shown.status, shown.json]).toEqual([400, refusal]);
});

test('a raised max_jobs lets waiting jobs start at once, the system’s too', async () => {
  const started = async () => {
    const jobs = (await api.send('GET', '/jobs?state=1')).json;
    return jobs.length as number;
  };
  for (let n = 0; n < 8; n++) {
    await api.send('POST', '/job', submission({ output_folder: `vod/${n}` }));
  }
  expect(await started()).toBe(2);
  await set({ name: 'max_jobs', setting: 5, scope: 'system' }, OTHER);
  expect(await started()).toBe(5);
  await set({ name: 'max_jobs', setting: 6 });
  expect(await started()).toBe(6);
});

test('every change is in the audit with who made it, every refusal is not', async () => {
  await set({ name: 'max_jobs', setting: 4 });
  await set({ name: 'max_jobs', setting: -4 });
  await set({ name: 'max_jobs', setting: 5 });
  await set({ name: 'retry_limit', setting: 5, scope: 'system' }, OTHER);
  await cap({ name: 'max_jobs', most: 10, tenant: 'acme' });
  const { rows } = await sql<{ row: unknown[] }>`
    SELECT json_build_array(tenants.name, actor, action, detail) AS row
    FROM audit LEFT JOIN tenants ON tenants.id = tenant_id ORDER BY audit.id`.execute(db);
  expect(rows.map((one) => one.row)).toEqual([
    ['acme', 'acme', 'setting.created', { name: 'max_jobs', from: null, to: '4' }],
    ['acme', 'acme', 'setting.updated', { name: 'max_jobs', from: '4', to: '5' }],
    [null, 'other', 'setting.created', { name: 'retry_limit', from: null, to: '5' }],
    ['acme', 'other', 'cap.created', { name: 'max_jobs', least: null, most: 10 }],
  ]);
});
