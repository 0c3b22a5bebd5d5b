import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { runCli } from '../../cli/run.ts';
import { readConfig } from '../../src/config/config.ts';
import { isApiKey } from '../../src/secrets/api-key.ts';
import { createTestApi, submission } from '../helpers/api.ts';
import { createTestDatabase } from '../helpers/database.ts';

const api = await createTestApi();
const { db, url } = api.database;
const SECRETS_KEY = randomBytes(32).toString('base64');

afterAll(() => api.stop());

beforeEach(async () => {
  await sql`TRUNCATE tenants, settings, system_settings, setting_caps, audit CASCADE`.execute(db);
});

/** Runs the command line as a person would; `secret` is what is typed unseen. */
async function cli(line: string, options: { secret?: string; env?: Record<string, string> } = {}) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCli(
    line.split(' ').map((word) => (word === '""' ? '' : word)),
    {
      out: (text) => out.push(text),
      err: (text) => err.push(text),
      readSecret: () => Promise.resolve(options.secret ?? ''),
    },
    readConfig(options.env ?? { DATABASE_URL: url, SECRETS_KEY }),
  );
  return { code, out: out.join('\n'), err: err.join('\n') };
}

async function json(line: string, secret?: string): Promise<any> {
  const { code, out, err } = await cli(`${line} --json`, secret === undefined ? {} : { secret });
  expect([line, code, err]).toEqual([line, 0, '']);
  return JSON.parse(out);
}

const enters = async (client: string, key: string): Promise<boolean> =>
  (await api.send('GET', '/jobs', undefined, { client, 'api-key': key })).status === 200;

const actions = async (): Promise<readonly string[]> => {
  const { rows } = await sql<{ text: string }>`
    SELECT concat_ws(' ', actor, action, tenants.name) AS text
    FROM audit LEFT JOIN tenants ON tenants.id = tenant_id ORDER BY audit.id`.execute(db);
  return rows.map((row) => row.text);
};

test('an added tenant has one key, shown once, which opens the API', async () => {
  const { key } = await json('add zoe-1 --source-storage local --input-root /mnt/zoe');
  expect(isApiKey(key)).toBe(true);
  expect(await enters('zoe-1', key)).toBe(true);
  const shown = await cli('list');
  expect(shown.out).toContain('zoe-1');
  expect(shown.out).toContain('/mnt/zoe');
  expect(shown.out).toContain(key.slice(-4));
  expect(shown.out + (await cli('list --json')).out).not.toContain(key.slice(0, -4));
  expect(await actions()).toEqual(['cli tenant.create zoe-1']);
});

test('a rotated key and the new one are both good, a third one is refused', async () => {
  const first = await json('add zoe-2');
  const second = await json('rotate zoe-2 --overlap 7d');
  expect([await enters('zoe-2', first.key), await enters('zoe-2', second.key)]).toEqual([
    true,
    true,
  ]);
  const third = await cli('rotate zoe-2');
  expect(third.code).toBe(1);
  expect(third.err).toContain('zoe-2 has 2 valid keys already');
  const [tenant] = (await json('list')).tenants;
  const daysLeft = (Date.parse(tenant.keys[0].expires_at) - Date.now()) / 86_400_000;
  expect(Math.round(daysLeft)).toBe(7);
  expect(tenant.keys[1].expires_at).toBeNull();
});

test('rotate --now and revoke end keys', async () => {
  const { key_id: firstId } = await json('add zoe-3');
  const { key_id: secondId } = await json('rotate zoe-3 --now');
  const keyIds = async () => (await json('list')).tenants[0].keys.map((key: any) => key.id);
  expect(await keyIds()).toEqual([secondId]);
  expect((await cli(`revoke zoe-3 ${firstId}`)).code).toBe(1);
  expect(await json(`revoke zoe-3 ${secondId}`)).toMatchObject({ revoked: [secondId] });
  expect(await keyIds()).toEqual([]);
  expect(await actions()).toEqual([
    'cli tenant.create zoe-3',
    'cli key.rotate zoe-3',
    'cli key.revoke zoe-3',
  ]);
});

test('a key can be made to end by itself', async () => {
  await json('add zoe-4 --expires-in 90d');
  const [tenant] = (await json('list')).tenants;
  const daysLeft = (Date.parse(tenant.keys[0].expires_at) - Date.now()) / 86_400_000;
  expect(Math.round(daysLeft)).toBe(90);
});

test('whose tells the tenant of a key, and a mistyped key from a foreign one', async () => {
  const { key } = await json('add zoe-5');
  expect(await json('whose', key)).toMatchObject({ tenant: 'zoe-5', valid: true });
  await json('revoke zoe-5 --all');
  expect(await json('whose', key)).toMatchObject({ tenant: 'zoe-5', valid: false });
  expect((await cli('whose', { secret: key.slice(0, -1) })).err).toContain('mistyped');
});

test('the jobs of a disabled tenant wait and go on when it is enabled', async () => {
  const { key } = await json('add zoe-6 --source-storage local');
  const credentials = { client: 'zoe-6', 'api-key': key };
  const { id } = (await api.send('POST', '/job', submission(), credentials)).json;
  const state = async (jobId: number) => {
    const { rows } = await sql<{ queue_state: number }>`
      SELECT queue_state FROM jobs WHERE id = ${jobId}`.execute(db);
    return rows[0]?.queue_state;
  };
  await json('settings zoe-6 max_jobs 1');
  const other = submission({ output_folder: 'vod/other' });
  const { id: waiting } = (await api.send('POST', '/job', other, credentials)).json;
  expect(await json('disable zoe-6')).toEqual({ tenant: 'zoe-6', disabled: true });
  expect((await cli('list')).out).toContain('DISABLED since');
  await json('settings zoe-6 max_jobs 5');
  expect([await state(id), await state(waiting)]).toEqual([1, 0]);
  await json('enable zoe-6');
  expect([await state(id), await state(waiting)]).toEqual([1, 1]);
});

test('set changes what is given, takes defaults again, and leaves the rest', async () => {
  await json('add zoe-7 --input-root /mnt/in --roles tenant_admin');
  const set = (options: string) => json(`set zoe-7 ${options}`);
  expect(
    await set('--output-root /mnt/out --allowed-networks 10.0.0.0/8,fd00::/8 --roles system_admin'),
  ).toMatchObject({
    input_root: '/mnt/in',
    output_root: '/mnt/out',
    source_storage: 'S3',
    allowed_networks: ['10.0.0.0/8', 'fd00::/8'],
    roles: ['system_admin'],
  });
  expect(await set('--input-root "" --roles "" --destination-storage local')).toMatchObject({
    input_root: null,
    output_root: '/mnt/out',
    destination_storage: 'local',
    roles: [],
  });
});

test('settings and caps are shown and changed, of one tenant and of all', async () => {
  await json('add zoe-8');
  await json('settings --system retry_limit 7');
  await json('cap max_jobs --most 10');
  await json('cap max_jobs --most 20 --least 2 --tenant zoe-8');
  const shown = await json('settings zoe-8 max_jobs 30');
  expect(shown.settings).toMatchObject({
    max_jobs: { setting: '30', origin: 'own', least: 2, most: 20 },
    retry_limit: { setting: '7', origin: 'system' },
    retry_delay: { setting: '5', origin: 'default' },
  });
  expect((await json('settings zoe-8 max_jobs --remove')).settings.max_jobs.origin).toBe('default');
  await json('cap max_jobs --remove --tenant zoe-8');
  expect((await json('settings zoe-8')).settings.max_jobs.most).toBe(10);
  const refused = await cli('settings zoe-8 max_jobs many');
  expect([refused.code, refused.err]).toEqual([
    1,
    'setting: must be a whole number from 0 to 1000',
  ]);
  expect((await cli('audit zoe-8')).out).toContain('setting.removed');
});

test('callback headers are kept sealed and shown masked', async () => {
  await json('add zoe-9');
  const secret = 'Bearer canary-0123456789abcdef';
  expect(await json('header zoe-9 Authorization', secret)).toEqual({
    tenant: 'zoe-9',
    headers: { authorization: '****cdef' },
  });
  const { rows } = await sql<{ text: string }>`
    SELECT concat(callback_headers, (SELECT json_agg(audit) FROM audit)) AS text
    FROM callback_headers`.execute(db);
  expect(rows.map((row) => row.text).join()).not.toContain('canary');
  expect(await json('header zoe-9 authorization --remove')).toMatchObject({ headers: {} });
  expect((await actions()).slice(1)).toEqual([
    'cli callback_header.set zoe-9',
    'cli callback_header.remove zoe-9',
  ]);
});

test.each([
  ['host', 'a', 2, 'host is set by the engine itself'],
  ['x-a', 'a\r\nhost: b', 1, 'the value of x-a must be one line'],
])('the header %s with the value %j is refused', async (name, secret, code, reason) => {
  await json('add zoe-10');
  const answer = await cli(`header zoe-10 ${name}`, { secret });
  expect(answer.code).toBe(code);
  expect(answer.err).toContain(reason);
});

test('without SECRETS_KEY a header is refused with what to do', async () => {
  await json('add zoe-11');
  const answer = await cli('header zoe-11 x-a', { secret: 'b', env: { DATABASE_URL: url } });
  expect(answer.code).toBe(1);
  expect(answer.err).toContain('SECRETS_KEY is not set');
  const { rows } = await sql`SELECT FROM callback_headers`.execute(db);
  expect(rows).toEqual([]);
});

test.each([
  ['add', 'It takes: add <tenant>'],
  ['add a b', 'It takes: add <tenant>'],
  ['add ../x', 'A tenant’s name has letters'],
  ['add zoe --input-root relative/path', '--input-root must be an absolute folder'],
  ['add zoe --input-root /mnt/../etc', '--input-root must be an absolute folder'],
  ['add zoe --input-root /', '--input-root must be an absolute folder'],
  ['add zoe --source-storage ftp', '--source-storage must be one of'],
  ['add zoe --allowed-networks 10.0.0.0', 'is no CIDR block'],
  ['add zoe --allowed-networks 10.0.0.0/33', 'is no CIDR block'],
  ['add zoe --allowed-networks localhost/8', 'is no CIDR block'],
  ['add zoe --roles root', '--roles: root is none'],
  ['add zoe --rolls x', "Unknown option '--rolls'"],
  ['add zoe --expires-in soon', '--expires-in must be a time such as'],
  ['rotate zoe --overlap 0s', '--overlap must be a time such as'],
  ['rotate zoe --now --overlap 1h', 'exclude each other'],
  ['revoke zoe', 'revoke takes the id of a key'],
  ['revoke zoe x', 'x is no id of a key'],
  ['set zoe', 'set needs one of its options'],
  ['settings', 'settings takes a tenant, or --system'],
  ['settings zoe max_jobs', 'a name with a value or with --remove'],
  ['cap max_jobs', 'cap takes --most, --least or both, or --remove'],
  ['cap max_jobs --most many', '--most must be a number'],
  ['header zoe --remove', '--remove needs the name of a header'],
  ['audit --limit 0', '--limit must be a number'],
  ['frobnicate', 'There is no command frobnicate'],
])('%s is a command line that cannot be', async (line, reason) => {
  const answer = await cli(line);
  expect(answer.code).toBe(2);
  expect(answer.err).toContain(reason);
  expect(answer.out).toBe('');
  expect(await actions()).toEqual([]);
});

test.each(['rotate', 'revoke --all', 'disable', 'set --roles tenant_admin', 'settings', 'header'])(
  '%s says that there is no such tenant',
  async (line) => {
    const [command, ...options] = line.split(' ');
    const answer = await cli([command, 'nobody', ...options].join(' '));
    expect([answer.code, answer.err]).toEqual([
      1,
      'There is no tenant "nobody"; list shows those there are',
    ]);
  },
);

test('a tenant that exists is not added again', async () => {
  await json('add zoe-12');
  expect(await cli('add zoe-12')).toMatchObject({
    code: 1,
    err: 'There is a tenant zoe-12 already',
  });
});

test('help is there for everything and for each command', async () => {
  const all = await cli('--help');
  expect(all.code).toBe(0);
  const names = [...all.out.matchAll(/^ {2}(\w+) {2,}/gm)].map((found) => found[1]);
  expect(names).toHaveLength(16);
  for (const name of names) {
    const one = await cli(`${name} --help`);
    expect([name, one.code]).toEqual([name, 0]);
    expect(one.out).toContain(`Usage: npm run tenants -- ${name}`);
  }
});

test('it works on the stack that runs in DATA_DIR, with its key', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-cli-'));
  try {
    const env = { DATA_DIR: folder };
    const missing = await cli('list', { env });
    expect(missing.code).toBe(1);
    expect(missing.err).toContain('No database: set DATABASE_URL, or start the stack first');
    await writeFile(join(folder, 'stack.json'), JSON.stringify({ postgres: { url } }));
    await writeFile(join(folder, 'secrets.key'), `${SECRETS_KEY}\n`);
    expect((await cli('add zoe-13', { env })).code).toBe(0);
    expect((await cli('header zoe-13 x-key', { env, secret: 'canary-123456' })).code).toBe(0);
    expect(await json('header zoe-13')).toMatchObject({ headers: { 'x-key': '****3456' } });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a database of an older version is told, not changed', async () => {
  const older = await createTestDatabase();
  try {
    await sql`DELETE FROM kysely_migration WHERE name = '0005_tenants'`.execute(older.db);
    const answer = await cli('list', { env: { DATABASE_URL: older.url } });
    expect(answer.code).toBe(1);
    expect(answer.err).toContain('The database lacks 0005_tenants: start the api of this version');
  } finally {
    await older.drop();
  }
});

test('as a process it prints JSON alone, reads a piped secret, and leaves its code', async () => {
  const run = (args: readonly string[], input = '') =>
    execa(process.execPath, ['cli/main.ts', ...args], {
      env: { DATABASE_URL: url, SECRETS_KEY },
      input,
      reject: false,
    });
  const added = await run(['add', 'zoe-14', '--json']);
  expect([added.exitCode, added.stderr]).toEqual([0, '']);
  const { key } = JSON.parse(added.stdout) as { key: string };
  const found = await run(['whose', '--json'], `${key}\n`);
  expect(JSON.parse(found.stdout)).toMatchObject({ tenant: 'zoe-14', valid: true });
  expect((await run(['frobnicate'])).exitCode).toBe(2);
  const refused = await execa(process.execPath, ['cli/main.ts', 'list'], {
    env: { DATABASE_URL: 'postgres://engine@127.0.0.1:1/none' },
    reject: false,
  });
  expect([refused.exitCode, refused.stdout]).toEqual([1, '']);
  expect(refused.stderr).toContain('list failed: connect ECONNREFUSED');
});
