import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const PARTS = [
  'src',
  'workflows',
  'activities',
  'api',
  'worker',
  'dev',
  'test',
  'package.json',
  'tsconfig.json',
  'tsconfig.base.json',
  'biome.json',
  'knip.json',
  '.oxlintrc.json',
  '.dependency-cruiser.mjs',
  'vitest.config.ts',
  'docs',
];

let tree: string;

// a copy of the project, in which violations are planted without anybody else seeing them
beforeAll(async () => {
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  tree = await mkdtemp(join(ROOT, 'dist', 'guards-'));
  for (const part of PARTS) await cp(join(ROOT, part), join(tree, part), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  await execa('git', ['init', '-q'], { cwd: tree });
});

afterAll(() => rm(tree, { recursive: true, force: true }));

const bin = (name: string): string => join(ROOT, 'node_modules', '.bin', name);

/** Runs a guard over the copy with one file planted; its output where it complains, else ''. */
async function guard(command: readonly string[], path: string, text: string): Promise<string> {
  const [name = '', ...args] = command;
  const file = join(tree, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  try {
    const { exitCode, all } = await execa(bin(name), args, { cwd: tree, reject: false, all: true });
    return exitCode === 0 ? '' : all;
  } finally {
    await rm(file);
  }
}

const CRUISE = [
  'depcruise',
  '--config',
  '.dependency-cruiser.mjs',
  'src',
  'workflows',
  'activities',
  'api',
  'worker',
  'dev',
  'test',
] as const;
const LINT = ['oxlint', '--type-aware'] as const;

test('npm run verify passes on the tree as it is', async () => {
  const { exitCode, all } = await execa('npm', ['run', 'verify'], {
    cwd: ROOT,
    reject: false,
    all: true,
  });
  expect([exitCode, exitCode === 0 ? '' : all]).toEqual([0, '']);
});

test.each([
  ['domain-imports', 'src/domain/planted.ts', "import '../store/db.ts';\n"],
  ['store-imports', 'src/store/planted.ts', "import '../storage/local.ts';\n"],
  ['contract-types-only', 'src/contract/planted.ts', "import '../store/db.ts';\n"],
  ['storage-imports', 'src/storage/planted.ts', "import '../store/db.ts';\n"],
  ['media-imports', 'src/media/planted.ts', "import '../egress/egress.ts';\n"],
  ['egress-imports', 'src/egress/planted.ts', "import '../store/db.ts';\n"],
  ['workflows-types-only', 'workflows/planted.ts', "import '../activities/contract.ts';\n"],
  ['workflows-imports', 'workflows/planted.ts', "import '../src/store/db.ts';\n"],
  ['workflows-temporal-sdk', 'workflows/planted.ts', "import '@temporalio/client';\n"],
  ['sandbox-is-closed', 'workflows/planted.ts', "import 'node:fs';\n"],
  ['activities-imports', 'activities/planted.ts', "import '../workflows/vodstream.ts';\n"],
  ['api-imports', 'api/planted.ts', "import '../activities/contract.ts';\n"],
  ['api-types-only', 'api/planted.ts', "import '../src/egress/egress.ts';\n"],
  ['worker-imports', 'worker/planted.ts', "import '../api/app.ts';\n"],
  ['only-process-spawns', 'activities/planted.ts', "import 'node:child_process';\n"],
  ['only-store-has-sql', 'activities/planted.ts', "import 'pg';\n"],
  ['only-egress-opens-connections', 'api/planted.ts', "import 'undici';\n"],
  ['every-file-has-a-place', 'src/utils/planted.ts', "import './planted.ts';\n"],
  ['no-circular', 'src/domain/planted.ts', "import './planted.ts';\n"],
  ['resolvable', 'src/domain/planted.ts', "import './nowhere.ts';\n"],
])('the border %s is seen to hold', async (rule, path, text) => {
  expect(await guard(CRUISE, path, text)).toContain(rule);
});

test('an import of types only is no breach where types are allowed', async () => {
  expect(
    await guard(
      CRUISE,
      'workflows/planted.ts',
      "import type { TaskActivities } from '../activities/contract.ts';\nexport type X = TaskActivities;\n",
    ),
  ).toBe('');
});

test.each([
  [
    'no-floating-promises',
    'workflows/planted.ts',
    "import { proxyActivities } from '@temporalio/workflow';\nimport type { TaskActivities } from '../activities/contract.ts';\nconst { cleanup } = proxyActivities<TaskActivities>({ startToCloseTimeout: '1s' });\nexport async function planted(): Promise<void> {\n  cleanup({ jobId: 1 });\n  await Promise.resolve();\n}\n",
  ],
  ['no-console', 'src/domain/planted.ts', "console.log('x');\n"],
  ['no-process-env', 'api/planted.ts', "export const home = process.env['HOME'];\n"],
  [
    'max-lines',
    'src/domain/planted.ts',
    `${Array.from({ length: 401 }, (_, at) => `export const a${at} = ${at};`).join('\n')}\n`,
  ],
  ['no-restricted-globals', 'workflows/planted.ts', "export const answer = fetch('http://x');\n"],
  ['no-explicit-any', 'src/domain/planted.ts', 'export const a: any = 1;\n'],
])('the lint rule %s is seen to hold', async (rule, path, text) => {
  expect(await guard(LINT, path, text)).toContain(rule);
});

test('a file that is not formatted is found', async () => {
  expect(
    await guard(
      ['biome', 'format', 'src/domain'],
      'src/domain/planted.ts',
      'export const a   =   "x"\n',
    ),
  ).toContain('planted.ts');
});

test('Node globals in workflow code are type errors', async () => {
  const output = await guard(
    ['tsc', '-p', 'workflows'],
    'workflows/planted.ts',
    'export const home = process.env;\n',
  );
  expect(output).toContain("Cannot find name 'process'");
});

test('an export that nobody uses is found', async () => {
  expect(
    await guard(['knip'], 'src/domain/slots-planted.ts', 'export const nobody = 1;\n'),
  ).toContain('slots-planted.ts');
});
