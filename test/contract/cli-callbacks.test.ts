import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runCli } from '../../cli/run.ts';
import { readConfig } from '../../src/config/config.ts';
import { parseSigningSecret } from '../../src/secrets/webhook-signature.ts';
import { createTestDatabase } from '../helpers/database.ts';
import { dumpDatabase } from '../helpers/dump-database.ts';

const database = await createTestDatabase();
const { db, url } = database;
const SECRETS_KEY = randomBytes(32).toString('base64');

let folder: string;
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-callbacks-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
  await database.drop();
});

beforeEach(async () => {
  await sql`TRUNCATE tenants, audit CASCADE`.execute(db);
  await cli(['add', 'zoe', '--source-storage', 'local']);
});

/** Runs the command line; `secret` is what is piped in. */
async function cli(argv: readonly string[], secret = '', env: Record<string, string> = {}) {
  const [out, err]: [string[], string[]] = [[], []];
  const streams = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    readSecret: () => Promise.resolve(secret),
  };
  const code = await runCli(argv, streams, readConfig({ DATABASE_URL: url, SECRETS_KEY, ...env }));
  return { code, out: out.join('\n'), err: err.join('\n') };
}

async function json(argv: readonly string[], secret?: string): Promise<any> {
  const { code, out, err } = await cli([...argv, '--json'], secret);
  expect([argv, code, err]).toEqual([argv, 0, '']);
  return JSON.parse(out);
}

/** Actions of the audit with their detail, without the tenant's making. */
async function audit(): Promise<readonly { action: string; detail: any }[]> {
  const { rows } = await sql<{ action: string; detail: any }>`
    SELECT action, detail FROM audit WHERE action <> 'tenant.create' ORDER BY id`.execute(db);
  return rows;
}

async function writeText(name: string, text: string): Promise<string> {
  await writeFile(file(name), text);
  return file(name);
}

/** A certificate of this name and its key, as files `<name>.pem` and `<name>.key`. */
async function makeCertificate(name: string): Promise<{ pem: string; key: string }> {
  const curve = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1'.split(' ');
  const files = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
  await execa('openssl', [
    'req',
    '-x509',
    '-nodes',
    '-days',
    '1',
    '-subj',
    `/CN=${name}`,
    ...curve,
    ...files,
  ]);
  return { pem: file(`${name}.pem`), key: await readFile(file(`${name}.key`), 'utf8') };
}

test('a tenant that has set nothing is shown what applies', async () => {
  expect(await json(['callbacks', 'zoe'])).toEqual({
    tenant: 'zoe',
    shape: null,
    default_urls: [],
    callback_schedule: '5,300,1800,7200,18000,36000,50400,72000,86400',
    verifies_tls: true,
    certificate: null,
  });
  const { out } = await cli(['callbacks', 'zoe']);
  expect(out).toMatch(/certificates of receivers +verified/);
});

test('each option changes its own part and leaves the others', async () => {
  const shape = { job: { id: '$.job_id' } };
  await json(['callbacks', 'zoe', '--shape', await writeText('shape.json', JSON.stringify(shape))]);
  await json(['callbacks', 'zoe', '--urls', 'https://a.example.com/x https://b.example.com/y']);
  await json(['callbacks', 'zoe', '--verify-tls', 'off']);
  expect(await json(['settings', 'zoe', 'callback_schedule', '5, 300 ,1800'])).toMatchObject({
    settings: { callback_schedule: { setting: '5,300,1800', origin: 'own' } },
  });
  expect(await json(['callbacks', 'zoe'])).toMatchObject({
    shape,
    default_urls: ['https://a.example.com/x', 'https://b.example.com/y'],
    callback_schedule: '5,300,1800',
    verifies_tls: false,
  });
  await json(['callbacks', 'zoe', '--shape', '', '--urls', '']);
  expect(await json(['callbacks', 'zoe'])).toMatchObject({
    shape: null,
    default_urls: [],
    verifies_tls: false,
  });
});

test('verification that is off stands out wherever the tenant is shown', async () => {
  await json(['callbacks', 'zoe', '--verify-tls', 'off']);
  expect((await cli(['callbacks', 'zoe'])).out).toContain('NOT verified');
  expect((await cli(['list'])).out).toContain('certificates of receivers are NOT verified');
  expect((await json(['list'])).tenants).toMatchObject([{ name: 'zoe', verifies_tls: false }]);
  await json(['callbacks', 'zoe', '--verify-tls', 'on']);
  expect((await cli(['list'])).out).not.toContain('NOT verified');
  expect(await audit()).toEqual([
    { action: 'callbacks.update', detail: { verifiesTls: { from: true, to: false } } },
    { action: 'callbacks.update', detail: { verifiesTls: { from: false, to: true } } },
  ]);
});

test.each([
  ['a loopback address', 'http://127.0.0.1/x', 'leads to an address that is not public'],
  ['a private address', 'https://10.2.3.4/x', 'leads to an address that is not public'],
  ['a hidden loopback address', 'http://0x7f000001/x', 'leads to an address that is not public'],
  ['a password', 'https://a:canary@example.com/x', 'credentials go into headers'],
  ['another scheme', 'ftp://example.com/x', 'only http and https are called'],
  ['a fragment', 'https://example.com/x#y', 'a URL has a fragment'],
  ['no URL', 'example.com/x', 'is not a URL'],
  ['a port of mail', 'https://example.com:25/', 'another protocol than HTTP'],
  [
    '21 URLs',
    Array.from({ length: 21 }, (_, n) => `https://example.com/${n}`).join(' '),
    'has more than 20 different URLs',
  ],
])('default URLs with %s are refused as a submission refuses them', async (_, urls, reason) => {
  const answer = await cli(['callbacks', 'zoe', '--urls', urls]);
  expect([answer.code, answer.err]).toEqual([1, expect.stringContaining(`--urls: `)]);
  expect(answer.err).toContain(reason);
  expect(answer.err).not.toContain('canary');
  expect(await audit()).toEqual([]);
});

test('the tenant’s own networks are allowed, and one that means the same twice is kept once', async () => {
  await json(['set', 'zoe', '--allowed-networks', '10.0.0.0/8']);
  const urls = 'http://10.1.2.3/x http://10.1.2.3:80/x http://0xa010203/x http://10.1.2.3/y';
  expect(await json(['callbacks', 'zoe', '--urls', urls])).toMatchObject({
    default_urls: ['http://10.1.2.3/x', 'http://10.1.2.3/y'],
  });
});

test.each([
  ['text', 'not json', /is not JSON: /],
  ['an unknown part', '{"jobs": {}}', /jobs/],
  ['a path that is none', '{"job": {"a": "$.files[0]"}}', /job: "\$\.files\[0\]" is no path/],
  ['null', '{"task": null}', /task: is null/],
  ['more than 16 KB', JSON.stringify({ job: 'x'.repeat(17_000) }), /job: has more than 16384/],
])('a file of templates with %s is refused with its name', async (_, text, reason) => {
  const path = await writeText('bad.json', text);
  const answer = await cli(['callbacks', 'zoe', '--shape', path]);
  expect([answer.code, answer.err]).toEqual([1, expect.stringContaining(path)]);
  expect(answer.err).toMatch(reason);
});

test.each(['shape', 'certificate'])('--%s says that a file is not there', async (option) => {
  const missing = await cli(['callbacks', 'zoe', `--${option}`, file('missing')]);
  expect([missing.code, missing.err]).toEqual([1, `There is no file ${file('missing')}`]);
  const isFolder = await cli(['callbacks', 'zoe', `--${option}`, folder]);
  expect([isFolder.code, isFolder.err]).toEqual([1, `This is a folder, not a file: ${folder}`]);
});

test('a certificate is kept sealed and shown by its name and end', async () => {
  const { pem, key } = await makeCertificate('zoe-client');
  const shown = await json(['callbacks', 'zoe', '--certificate', pem], key);
  expect(shown.certificate).toMatch(/^CN=zoe-client, until \d{4}-/);
  const dump = await dumpDatabase(db);
  expect(dump).toContain('callbacks.update');
  expect(dump).not.toContain('PRIVATE KEY');
  for (const line of key.split('\n').slice(1, -2)) expect(dump).not.toContain(line);
  expect(await audit()).toEqual([
    { action: 'callbacks.update', detail: { sealedCertificate: { from: 'none', to: 'set' } } },
  ]);
  expect(await json(['callbacks', 'zoe', '--certificate', ''])).toMatchObject({
    certificate: null,
  });
});

test('a certificate without its key is refused, and nothing of the key is told', async () => {
  const [one, other] = [await makeCertificate('one'), await makeCertificate('other')];
  const secret = other.key.split('\n')[1] ?? '';
  for (const key of [other.key, 'canary-not-a-key', secret, '']) {
    const answer = await cli(['callbacks', 'zoe', '--certificate', one.pem], key);
    expect([answer.code, answer.err]).toEqual([1, expect.stringContaining('does not go with')]);
    expect(answer.err + answer.out).not.toMatch(/canary/);
    expect(answer.err + answer.out).not.toContain(secret);
  }
  const text = await writeText('text.pem', one.key);
  const answer = await cli(['callbacks', 'zoe', '--certificate', text], one.key);
  expect([answer.code, answer.err]).toEqual([1, `${text} holds no certificate in PEM`]);
  expect(await audit()).toEqual([]);
});

test('no token of a URL and no literal of a template is in the audit', async () => {
  const canary = 'canary0123456789abcdef';
  const shape = await writeText('s.json', JSON.stringify({ job: { token: canary } }));
  const urls = `https://example.com/x?token=${canary}`;
  await json(['callbacks', 'zoe', '--shape', shape, '--urls', urls]);
  const [{ detail } = { detail: undefined }] = await audit();
  expect(detail.defaultUrls.to).toEqual(['https://example.com/x?token=****cdef']);
  expect(detail.shape.to).toMatch(/^sha256 [0-9a-f]{64}$/);
  expect(JSON.stringify(await audit())).not.toContain('canary');
});

test('a signing secret is shown once, kept sealed, and signs beside the former one', async () => {
  const { secret: first } = await json(['signing', 'zoe', '--rotate']);
  expect(parseSigningSecret(first).version).toBe('v1');
  const second = await json(['signing', 'zoe', '--rotate', '--overlap', '7d']);
  expect(second).toMatchObject({ tenant: 'zoe', version: 'v1', overlap_seconds: 7 * 86_400 });
  const { secrets } = await json(['signing', 'zoe']);
  const daysLeft = (Date.parse(secrets[1].expires_at) - Date.now()) / 86_400_000;
  expect([secrets.length, secrets[0].expires_at, Math.round(daysLeft)]).toEqual([2, null, 7]);
  const kept = (await dumpDatabase(db)) + (await cli(['signing', 'zoe'])).out;
  for (const secret of [first, second.secret]) {
    expect(kept).not.toContain(secret.slice('whsec_'.length));
  }
  expect(await audit()).toEqual([
    {
      action: 'signing_secret.rotate',
      detail: { version: 'v1', overlapSeconds: 86_400, former: [] },
    },
    {
      action: 'signing_secret.rotate',
      detail: { version: 'v1', overlapSeconds: 7 * 86_400, former: [expect.any(Number)] },
    },
  ]);
});

test('a third secret is refused while two sign; --now ends both former ones', async () => {
  for (let n = 0; n < 2; n++) await json(['signing', 'zoe', '--rotate']);
  const third = await cli(['signing', 'zoe', '--rotate']);
  expect([third.code, third.err]).toEqual([
    1,
    expect.stringMatching(/^zoe has 2 signing secrets already; .*Wait, or say --now$/),
  ]);
  await json(['signing', 'zoe', '--rotate', '--now']);
  const { secrets } = await json(['signing', 'zoe']);
  expect(secrets).toMatchObject([{ expires_at: null }]);
  const { rows } = await sql`SELECT FROM signing_secrets`.execute(db);
  expect(rows).toHaveLength(1);
});

test('of a key pair only the public key is shown', async () => {
  const made = await json(['signing', 'zoe', '--rotate', '--ed25519']);
  expect(made).toMatchObject({ version: 'v1a', public_key: expect.stringMatching(/^whpk_/) });
  expect(made.secret).toBeUndefined();
});

test('signing ends when it is removed', async () => {
  await json(['signing', 'zoe', '--rotate']);
  expect(await json(['signing', 'zoe', '--remove'])).toEqual({ tenant: 'zoe', secrets: [] });
  expect((await cli(['signing', 'zoe'])).out).toBe('Callbacks of zoe are not signed.');
  expect((await audit()).at(-1)).toEqual({
    action: 'signing_secret.remove',
    detail: { secrets: 1 },
  });
});

test('without SECRETS_KEY nothing is kept, and the reason says what to do', async () => {
  const { pem, key } = await makeCertificate('keyless');
  for (const argv of [
    ['signing', 'zoe', '--rotate'],
    ['callbacks', 'zoe', '--certificate', pem],
  ]) {
    const answer = await cli(argv, key, { SECRETS_KEY: '' });
    expect([answer.code, answer.err]).toEqual([
      1,
      expect.stringContaining('SECRETS_KEY is not set'),
    ]);
  }
  expect(await audit()).toEqual([]);
});

test.each([
  [['callbacks'], 'It takes: callbacks <tenant>'],
  [['callbacks', 'zoe', '--verify-tls', 'maybe'], '--verify-tls takes on or off, not maybe'],
  [['callbacks', 'zoe', '--retry', '5'], "Unknown option '--retry'"],
  [['signing', 'zoe', '--rotate', '--remove'], 'exclude each other'],
  [['signing', 'zoe', '--rotate', '--now', '--overlap', '1h'], 'exclude each other'],
  [['signing', 'zoe', '--ed25519'], '--ed25519 needs --rotate'],
  [['signing', 'zoe', '--overlap', '1h'], '--overlap needs --rotate'],
  [['signing', 'zoe', '--remove', '--now'], '--now needs --rotate'],
  [['signing', 'zoe', '--rotate', '--overlap', 'soon'], '--overlap must be a time such as'],
])('%j is a command line that cannot be', async (argv, reason) => {
  const answer = await cli(argv);
  expect([answer.code, answer.out]).toEqual([2, '']);
  expect(answer.err).toContain(reason);
  expect(await audit()).toEqual([]);
});

test.each([['callbacks'], ['callbacks', '--urls', ''], ['signing'], ['signing', '--rotate']])(
  '%s says that there is no such tenant',
  async (command, ...options) => {
    const answer = await cli([command, 'nobody', ...options]);
    expect([answer.code, answer.err]).toEqual([
      1,
      'There is no tenant "nobody"; list shows those there are',
    ]);
  },
);

test('a schedule that cannot be is refused with what would be right', async () => {
  for (const text of ['', '0', '5,,7', '5,x', '604801', '1.5', Array(31).fill(5).join(',')]) {
    const answer = await cli(['settings', 'zoe', 'callback_schedule', text]);
    expect([text, answer.code, answer.err]).toEqual([
      text,
      1,
      'setting: must be 1 to 30 waits in seconds, each from 1 to 604800, separated by commas: 5,300,1800',
    ]);
  }
  const cap = await cli(['cap', 'callback_schedule', '--most', '5']);
  expect([cap.code, cap.err]).toEqual([1, 'name: callback_schedule is a text, which takes no cap']);
});
