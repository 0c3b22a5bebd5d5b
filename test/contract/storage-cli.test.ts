import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { runCli } from '../../cli/run.ts';
import { readConfig } from '../../src/config/config.ts';
import { createTestApi, submission } from '../helpers/api.ts';
import { dumpDatabase } from '../helpers/dump-database.ts';

const OLD_KEY = randomBytes(32);
const NEW_KEY = randomBytes(32);
const api = await createTestApi({ secretsKeys: [OLD_KEY] });
const { db, url } = api.database;

afterAll(() => api.stop());

beforeEach(async () => {
  await sql`TRUNCATE tenant_storages, callback_headers, signing_secrets, audit`.execute(db);
});

async function cli(line: string, secret = '', keys: readonly Buffer[] = [OLD_KEY]) {
  const said: string[] = [];
  const code = await runCli(
    line.split(' '),
    {
      out: (text) => said.push(text),
      err: (text) => said.push(text),
      readSecret: () => Promise.resolve(secret),
    },
    readConfig({
      DATABASE_URL: url,
      SECRETS_KEY: keys.map((key) => key.toString('base64')).join(','),
    }),
  );
  return { code, said: said.join('\n') };
}

const answerTo = async (parameters: Record<string, unknown>): Promise<string> => {
  const { status, json } = await api.send('POST', '/job', submission(parameters));
  return status === 200 ? 'accepted' : `${status} ${json.error}`;
};

const notConfigured = (parameter: string, kind: string): string =>
  `400 parameters.${parameter}: ${kind} is not configured for this client; use one that is, such as local`;

test.each([
  ['S3', 'S3 --bucket media'],
  [
    'azure_blob',
    'azure_blob --container media --credentials identity --account-url https://a.blob.core.windows.net',
  ],
])('%s is refused until it is set up for the side that is asked for', async (kind, options) => {
  const toLocal = { source_storage: kind, destination_storage: 'local' };
  expect(await answerTo(toLocal)).toBe(notConfigured('source_storage', kind));
  await cli(`storage acme ${options} --side input`);
  // what the api knows of a client is 3 s old at most
  await expect.poll(() => answerTo(toLocal), { timeout: 8000 }).toBe('accepted');
  expect(await answerTo({ source_storage: kind })).toBe(notConfigured('destination_storage', kind));
  expect(await answerTo({ source_storage: 'local', destination_storage: kind })).toBe(
    notConfigured('destination_storage', kind),
  );
});

test.each([
  ['S3', '--bucket media --access-key-id AKIA1', 'sEcr3t/CANARY+'],
  [
    'azure_blob',
    '--container media --credentials connection-string',
    'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=CANARYazure==;',
  ],
  [
    'azure_blob',
    '--container media --credentials sas --account-url https://a.blob.core.windows.net',
    '?sv=2026&sig=CANARYsas',
  ],
])('the secret of %s (%s) is nowhere but sealed in its row', async (kind, options, base) => {
  const canary = randomUUID();
  const secret = base.replace('CANARY', `CANARY${canary}`);
  const set = await cli(`storage acme ${kind} ${options}`, secret);
  const shown = await cli('storage acme --json');
  const audit = await cli('audit --json');
  expect([set.code, shown.code]).toEqual([0, 0]);
  expect(set.said + shown.said + audit.said).not.toContain(canary);
  expect(await dumpDatabase(db)).not.toContain(canary);
  expect(JSON.parse(shown.said).storages).toHaveLength(2);
  expect(audit.said).toContain('storage.set');
});

test('secrets sealed with the former key open after reseal with the new key alone', async () => {
  await cli('storage acme S3 --bucket media --access-key-id AKIA1', 'first secret');
  await cli('header acme x-token', 'a header');
  await cli('signing acme --rotate');
  expect((await cli('storage acme', '', [NEW_KEY])).said).toContain(
    'which SECRETS_KEY does not hold',
  );
  const { said } = await cli('reseal', '', [NEW_KEY, OLD_KEY]);
  expect(said).toBe('4 secrets are sealed with the first key.');
  const shown = JSON.parse((await cli('storage acme --json', '', [NEW_KEY])).said);
  expect(shown.storages.map((one: { secret: string }) => one.secret)).toEqual(['set', 'set']);
  expect((await cli('header acme', '', [NEW_KEY])).said).toContain('ader');
});

test('every column that holds sealed text is among what reseal seals anew', async () => {
  const { rows } = await sql<{ column: string }>`
    SELECT table_name || '.' || column_name AS column FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name LIKE 'sealed%' ORDER BY 1`.execute(db);
  expect(rows.map((row) => row.column)).toEqual([
    'callback_headers.sealed',
    'callback_settings.sealed_certificate',
    'signing_secrets.sealed',
    'tenant_storages.sealed',
  ]);
});

test('a dry run over credentials that the api cannot open is a 503: the client has done nothing wrong', async () => {
  await cli('storage acme S3 --bucket media --access-key-id AKIA1 --side input', 'secret', [
    NEW_KEY,
  ]);
  const tried = async (): Promise<readonly unknown[]> => {
    const body = submission({ source_storage: 'S3', destination_storage: 'local' });
    const { status, json } = await api.send('POST', '/job?dry_run=1', body);
    return [status, json.error];
  };
  // what the api knows of a client is 3 s old at most
  await expect
    .poll(tried, { timeout: 8000 })
    .toEqual([503, expect.stringMatching(/^The credentials of S3 cannot be opened: /)]);
});

test('reseal changes nothing where one secret cannot be opened', async () => {
  await cli('storage acme S3 --bucket media --access-key-id AKIA1', 'first secret');
  const before = await dumpDatabase(db);
  const { code, said } = await cli('reseal', '', [NEW_KEY]);
  expect([code, said]).toEqual([1, expect.stringContaining('which SECRETS_KEY does not hold')]);
  expect(await dumpDatabase(db)).toBe(before);
});

test('each side has its own bucket, and one is removed without the other', async () => {
  await cli('storage acme S3 --bucket sources --side input');
  await cli('storage acme S3 --bucket results --side output --acl public-read');
  const { said } = await cli('storage acme --json');
  expect(JSON.parse(said).storages).toMatchObject([
    { side: 'input', bucket: 'sources', acl: null },
    { side: 'output', bucket: 'results', acl: 'public-read' },
  ]);
  await cli('storage acme S3 --remove --side input');
  expect(JSON.parse((await cli('storage acme --json')).said).storages).toHaveLength(1);
  expect((await cli('storage acme S3 --remove --side input')).code).toBe(1);
});

test.each([
  ['storage acme ftp', 'ftp is none of S3, azure_blob'],
  ['storage acme S3', '--bucket is needed'],
  ['storage acme S3 --bucket Not_A_Bucket', '--bucket must be'],
  ['storage acme S3 --bucket media --container x', '--container does not belong to S3'],
  ['storage acme S3 --bucket media --root ../other', '--root must be'],
  ['storage acme S3 --bucket media --root a/../b', '--root must be'],
  ['storage acme S3 --bucket media --root /a', '--root must be'],
  ['storage acme S3 --bucket media --endpoint https://u:p@host', '--endpoint must be'],
  ['storage acme S3 --bucket media --endpoint file:///etc/passwd', '--endpoint must be'],
  ['storage acme S3 --bucket media --endpoint https://host/path', '--endpoint must be'],
  ['storage acme S3 --bucket media --acl everybody', '--acl must be one of'],
  ['storage acme S3 --bucket media --kms-key-id k', '--kms-key-id needs --encryption'],
  ['storage acme S3 --bucket media --side both', '--side must be'],
  ['storage acme azure_blob --container media', '--credentials must be one of'],
  [
    'storage acme azure_blob --container media --credentials sas',
    '--account-url is needed with sas',
  ],
  [
    'storage acme azure_blob --container media --credentials connection-string --account-url https://a.b',
    '--account-url goes with sas and identity',
  ],
  [
    'storage acme azure_blob --container media --credentials sas --account-url https://a.b/?sig=x',
    '--account-url must be',
  ],
])('%s is refused with a line that says why', async (line, why) => {
  const { code, said } = await cli(line);
  expect([code, said]).toEqual([2, expect.stringContaining(why)]);
});

test('a secret that was not given is asked for by its name', async () => {
  const { code, said } = await cli('storage acme S3 --bucket media --access-key-id AKIA1', '');
  expect([code, said]).toEqual([
    1,
    'Secret access key of AKIA1 is needed on standard input: type it at a terminal, or pipe it in',
  ]);
});

test('what is set up is shown by the names of its options', async () => {
  await cli(
    'storage acme S3 --bucket media --path-style --fixed-cache-control no-cache --side input',
  );
  expect((await cli('storage acme')).said.split('\n')).toEqual([
    'S3 input',
    '  fixed-cache-control  no-cache',
    '  bucket               media',
    '  region               us-east-1',
    '  path-style           true',
    '  checksums            true',
    '  secret               none: the worker’s own identity',
  ]);
});

test('a secret that cannot be one is refused, and never told', async () => {
  const { code, said } = await cli(
    'storage acme azure_blob --container media --credentials connection-string',
    'CANARY of something else',
  );
  expect([code, said]).toEqual([1, expect.stringContaining('does not look like one')]);
  expect(said).not.toContain('CANARY');
  expect((await cli('storage acme')).said).toBe('acme has local storage only.');
});
