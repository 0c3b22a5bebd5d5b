import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CallbackShape } from '../../src/contract/callback-shape.ts';
import { buildJobCallback } from '../../src/domain/callback.ts';
import { shapeCallback } from '../../src/domain/callback-shape.ts';
import { createSigningSecret, publicKeyOf } from '../../src/secrets/signing-secret.ts';
import { parseSigningSecret, signatureHeaders } from '../../src/secrets/webhook-signature.ts';
import { ROOT } from './planted-tree.ts';

let folder: string;
let page: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recipes-'));
  page = await readFile(join(ROOT, 'docs/callbacks.md'), 'utf8');
});

afterAll(() => rm(folder, { recursive: true }));

/** The first block of code in a language that follows a text of the page. */
function codeAfter(text: string, language: string): string {
  const [, rest = ''] = page.split(text);
  const [, code] = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(rest) ?? [];
  if (code === undefined) throw new Error(`no ${language} after ${text}`);
  return code;
}

const BODY = '{"message":"ü \\u0000 🎬","n":1.0}';
const ID = 'te_42_3_start';
const SHARED = createSigningSecret('v1');

/** The headers of a callback that was signed so many seconds ago. */
const sign = (secrets: readonly string[], body = BODY, ageSeconds = 0) =>
  signatureHeaders(secrets.map(parseSigningSecret), {
    id: ID,
    timestampSeconds: Math.floor(Date.now() / 1000) - ageSeconds,
    body: Buffer.from(body),
  });

/** Headers with whether the recipe must take them for {@link BODY}. */
const CASES = () => [
  { headers: sign([SHARED]), isGood: true },
  { headers: sign([createSigningSecret('v1'), SHARED]), isGood: true },
  { headers: sign([createSigningSecret('v1a'), SHARED]), isGood: true },
  { headers: sign([createSigningSecret('v1')]), isGood: false },
  { headers: sign([SHARED], `${BODY} `), isGood: false },
  { headers: sign([SHARED], BODY, 400), isGood: false },
  { headers: { ...sign([SHARED]), 'webhook-id': 'te_42_4_start' }, isGood: false },
];

test('the recipe in JavaScript tells good callbacks from others', async () => {
  const path = join(folder, 'recipe.mjs');
  await writeFile(path, codeAfter('**Node**', 'js'));
  const { isFromTaskEngine } = (await import(path)) as {
    isFromTaskEngine: (secret: string, headers: unknown, body: Buffer) => boolean;
  };
  for (const { headers, isGood } of CASES()) {
    expect([headers, isFromTaskEngine(SHARED, headers, Buffer.from(BODY))]).toEqual([
      headers,
      isGood,
    ]);
  }
});

test('the recipe in Python does too', async () => {
  const cases = CASES();
  const script = `${codeAfter('**Python**', 'python')}
import json, sys
body = base64.b64decode(sys.argv[2])
print(json.dumps([is_from_task_engine(sys.argv[1], one["headers"], body) for one in json.load(sys.stdin)]))`;
  const body = Buffer.from(BODY).toString('base64');
  const { stdout } = await execa('python3', ['-c', script, SHARED, body], {
    input: JSON.stringify(cases),
  });
  expect(JSON.parse(stdout)).toEqual(cases.map((one) => one.isGood));
});

async function runShell(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  await writeFile(join(folder, 'body.json'), BODY);
  return (await execa('sh', ['-ec', script], { cwd: folder, env })).stdout;
}

const variablesOf = (headers: Readonly<Record<string, string>>) => ({
  id: headers['webhook-id'] ?? '',
  timestamp: headers['webhook-timestamp'] ?? '',
  signature: headers['webhook-signature'] ?? '',
});

test('the recipe with openssl prints the signature that was sent', async () => {
  const variables = variablesOf(sign([SHARED]));
  const printed = await runShell(codeAfter('**openssl**', 'sh'), { ...variables, secret: SHARED });
  expect(printed).toBe(variables.signature);
});

test('the recipe for ed25519 verifies what was sent and nothing else', async () => {
  const secret = createSigningSecret('v1a');
  const script = codeAfter('**openssl, ed25519**', 'sh');
  const variables = { ...variablesOf(sign([secret])), public: publicKeyOf(secret) ?? '' };
  expect(await runShell(script, variables)).toContain('Signature Verified Successfully');
  await expect(runShell(script, { ...variables, id: 'te_42_4_start' })).rejects.toThrow(
    'exit code 1',
  );
});

test('the templates for the Control Hub make what the page says of them', () => {
  const shape = CallbackShape.parse(JSON.parse(codeAfter('`hub.json`:', 'json')));
  const job = {
    jobId: 42,
    isFailed: false,
    workflow: 'vodstream',
    contentId: 'c',
    tenant: 'acme',
    customData: '{"asset": {"id": 1.50}}',
    message: '/out/c.m3u8',
    timeMs: 0,
  };
  const result = { message: '', files: ['/out/c.m3u8'], durationSeconds: 5.28 };
  expect(shapeCallback(shape, 'job', buildJobCallback({ ...job, result }))).toBe(
    '{"source":"task-engine","job":42,"contentId":"c","state":"completed","manifest":"/out/c.m3u8",' +
      '"durationSeconds":5.28,"files":["/out/c.m3u8"],"assetId":1.50,"price":"$ 5"}',
  );
  expect(shapeCallback(shape, 'job', buildJobCallback({ ...job, isFailed: true }))).toBe(
    '{"source":"task-engine","job":42,"contentId":"c","state":"failed","manifest":"/out/c.m3u8",' +
      '"assetId":1.50,"price":"$ 5"}',
  );
});
