import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPlantedTree, type PlantedTree } from './planted-tree.ts';

/** A part: its folder, or its only file. */
const PLACES: Readonly<Record<string, string>> = {
  domain: 'src/domain/',
  names: 'src/temporal/names.ts',
  temporal: 'src/temporal/',
  contract: 'src/contract/',
  config: 'src/config/',
  toolEnvironment: 'src/config/tool-environment.ts',
  log: 'src/log/',
  secrets: 'src/secrets/',
  store: 'src/store/',
  storage: 'src/storage/',
  media: 'src/media/',
  urls: 'src/egress/assess-url.ts',
  egress: 'src/egress/',
  process: 'src/process/',
  messages: 'workflows/messages.ts',
  workflows: 'workflows/',
  activities: 'activities/',
  api: 'api/',
  apiRoot: 'api/server.ts',
  worker: 'worker/',
  cli: 'cli/',
  dev: 'dev/',
  bench: 'bench/',
  test: 'test/',
};

/** For each row of the table: a part it may not import, one only by type, an SDK package it may not import. */
const ROWS: readonly (readonly [string, string, string | undefined, string | undefined])[] = [
  ['domain', 'store', undefined, 'common'],
  ['names', 'store', undefined, 'client'],
  ['log', 'store', 'config', 'client'],
  ['config', 'store', 'log', 'client'],
  ['toolEnvironment', 'store', undefined, 'client'],
  ['contract', 'egress', 'store', 'client'],
  ['process', 'domain', 'log', 'worker'],
  ['urls', 'egress', undefined, 'client'],
  ['secrets', 'store', undefined, 'common'],
  ['store', 'storage', 'contract', 'client'],
  ['storage', 'store', 'contract', 'client'],
  ['media', 'egress', 'contract', 'client'],
  ['egress', 'store', 'contract', 'client'],
  ['temporal', 'media', 'log', 'worker'],
  ['messages', 'store', 'contract', 'client'],
  ['workflows', 'store', 'activities', 'client'],
  ['activities', 'workflows', 'log', 'client'],
  ['api', 'activities', 'egress', 'worker'],
  ['apiRoot', 'activities', 'egress', 'worker'],
  ['worker', 'workflows', undefined, 'testing'],
  ['cli', 'api', undefined, 'worker'],
  ['dev', 'test', undefined, undefined],
];

/** Breaches of the rules that are no row of the table. */
const OTHERS: readonly (readonly [string | undefined, string, string])[] = [
  ['only-process-spawns', 'activities/spawns.ts', "import 'node:child_process';\n"],
  ['only-process-spawns', 'src/media/spawns.ts', "import 'execa';\n"],
  ['only-store-has-sql', 'activities/sql.ts', "import 'pg';\n"],
  ['only-store-has-sql', 'api/sql.ts', "import { sql } from 'kysely';\nsql;\n"],
  ['only-egress-opens-connections', 'api/connects.ts', "import 'undici';\n"],
  ['only-egress-opens-connections', 'activities/connects.ts', "import 'node:https';\n"],
  ['sandbox-is-closed', 'workflows/built-in.ts', "import 'node:fs';\n"],
  ['sandbox-is-closed', 'src/domain/package.ts', "import 'zod';\n"],
  ['every-file-has-a-place', 'api/strays.ts', "import '../src/utils/target.ts';\n"],
  ['every-folder-has-borders', 'src/utils/target.ts', "import '../domain/target.ts';\n"],
  ['no-circular', 'src/domain/circle-a.ts', "import './circle-b.ts';\n"],
  // the other half of the circle; the tool tells a circle once
  [undefined, 'src/domain/circle-b.ts', "export const go = () => import('./circle-a.ts');\n"],
  ['no-circular', 'src/domain/types-a.ts', "export type { B as A } from './types-b.ts';\n"],
  [undefined, 'src/domain/types-b.ts', "export type { A as B } from './types-a.ts';\n"],
  ['resolvable', 'src/domain/lost.ts', "import './nowhere.ts';\n"],
  ['production-needs-no-dev-dependency', 'api/dev-dependency.ts', "import 'vitest';\n"],
];

/** Rules whose packages the project does not have: they are planted as packages of the tree's own. */
const ABSENT = [
  ['only-storage-has-vendor-sdks', 'activities/vendor.ts', '@aws-sdk/client-s3'],
] as const;

interface Breach {
  readonly from: string;
  readonly rule: { readonly name: string };
}

const isFile = (area: string): boolean => PLACES[area]?.endsWith('.ts') ?? false;
const placeOf = (area: string, name: string): string =>
  isFile(area) ? (PLACES[area] ?? '') : `${PLACES[area]}${name}.ts`;
const importOf = (from: string, to: string): string =>
  `${'../'.repeat(from.split('/').length - 1)}${placeOf(to, 'target')}`;

let tree: PlantedTree;
let found: ReadonlySet<string>;
let breaches: readonly Breach[];
let rules: readonly string[];
const expected: string[] = [];

// every breach is planted at once: one run of the tool tells them all apart by file and rule
beforeAll(async () => {
  tree = await createPlantedTree();
  const texts = new Map<string, string>();
  const add = (path: string, text: string, rule?: string): void => {
    texts.set(path, `${texts.get(path) ?? ''}${text}`);
    if (rule !== undefined) expected.push(`${rule} ${path}`);
  };
  for (const area of Object.keys(PLACES)) {
    add(
      placeOf(area, 'target'),
      'export interface Target {\n  readonly a: 1;\n}\nexport const target = 1;\n',
    );
  }
  for (const [area, never, typesOnly, sdk] of ROWS) {
    const path = placeOf(area, 'imports');
    add(path, `import '${importOf(path, never)}';\n`, `${area}-imports`);
    // a mere type is a breach too where the table gives nothing
    const typed = placeOf(area, 'never-types');
    add(
      typed,
      `export type { Target as T${never} } from '${importOf(typed, never)}';\n`,
      `${area}-imports`,
    );
    if (typesOnly !== undefined) {
      const value = placeOf(area, 'types-only');
      add(
        value,
        `export { target as v } from '${importOf(value, typesOnly)}';\n`,
        `${area}-types-only`,
      );
      if (!isFile(area)) {
        const allowed = placeOf(area, 'allowed');
        const from = importOf(allowed, typesOnly);
        add(allowed, `import type { Target } from '${from}';\nexport type X = Target;\n`);
      }
    }
    if (sdk !== undefined) {
      add(placeOf(area, 'sdk'), `import '@temporalio/${sdk}';\n`, `${area}-temporal-sdk`);
    }
  }
  for (const [rule, path, text] of OTHERS) add(path, text, rule);
  for (const [rule, path, name] of ABSENT) {
    const folder = `${path.split('/')[0]}/node_modules/${name}`;
    await tree.plant(`${folder}/package.json`, '{"name":"planted","main":"index.js"}');
    await tree.plant(`${folder}/index.js`, '');
    add(path, `import '${name}';\n`, rule);
  }
  for (const [path, text] of texts) await tree.plant(path, text);
  const { output } = await tree.run(
    'depcruise',
    '--config',
    '.dependency-cruiser.mjs',
    '-T',
    'json',
    '.',
  );
  const { summary } = JSON.parse(output);
  breaches = summary.violations;
  rules = summary.ruleSetUsed.forbidden.map((rule: { name: string }) => rule.name);
  found = new Set(breaches.map(({ from, rule }) => `${rule.name} ${from}`));
}, 120_000);

afterAll(() => tree.remove());

test('every planted breach of a border is found', () => {
  expect(expected.filter((breach) => !found.has(breach))).toEqual([]);
});

test('every rule was seen to fail', () => {
  const seen = new Set(breaches.map(({ rule }) => rule.name));
  expect(rules.filter((rule) => !seen.has(rule))).toEqual([]);
});

test('an import of types only is no breach where the table allows it', () => {
  expect(breaches.filter(({ from }) => from.endsWith('/allowed.ts'))).toEqual([]);
});
