/**
 * Who may import whom. Read the table `BORDERS`; the rules are made from it, so that a row added
 * here is a row enforced. `test/guards/borders.test.ts` plants a breach of every rule and fails where a
 * rule has none.
 *
 * `runtime` counts `import`, `export … from`, `import()` and `require`; `types` allows `import type`
 * and `export type … from` in addition, which vanish before the code runs.
 */

/** The parts of the tree, by the paths that belong to them. Every file must belong to one. */
const AREAS = {
  domain: '^src/domain/',
  names: '^src/temporal/names[.]ts$',
  temporal: '^src/temporal/(?!names[.]ts$)',
  contract: '^src/contract/',
  config: '^src/config/(?!tool-environment[.]ts$)',
  toolEnvironment: '^src/config/tool-environment[.]ts$',
  log: '^src/log/',
  // API keys and sealed values: pure but for the source of random bits
  secrets: '^src/secrets/',
  store: '^src/store/',
  storage: '^src/storage/',
  media: '^src/media/',
  // pure judgement of addresses: opens nothing
  urls: '^src/egress/(?:assess-url|address)[.]ts$',
  egress: '^src/egress/(?!(?:assess-url|address)[.]ts$)',
  process: '^src/process/',
  messages: '^workflows/messages[.]ts$',
  workflows: '^workflows/(?!messages[.]ts$)',
  activities: '^activities/',
  // puts the api together, and reads storage for it
  apiRoot: '^api/(?:server|main|submission/source-lookup)[.]ts$',
  api: '^api/(?!(?:server|main|submission/source-lookup)[.]ts$)',
  worker: '^worker/',
  cli: '^cli/',
  dev: '^dev/',
  bench: '^bench/',
  test: '^test/|^[^/]+[.](?:ts|mjs)$',
};

const EDGE = [
  'domain',
  'names',
  'temporal',
  'contract',
  'config',
  'log',
  'store',
  'process',
  'secrets',
];

/** `sdk`: the packages of `@temporalio/` that the part may import; null stands for all of them. */
const BORDERS = [
  { from: 'domain', runtime: [], types: [], sdk: [] },
  { from: 'names', runtime: ['domain'], types: [], sdk: [] },
  { from: 'log', runtime: ['domain'], types: ['config'], sdk: [] },
  { from: 'config', runtime: ['domain'], types: ['log'], sdk: [] },
  { from: 'toolEnvironment', runtime: [], types: [], sdk: [] },
  // names: those of task queues are on the wire
  { from: 'contract', runtime: ['domain', 'names', 'storage'], types: ['store'], sdk: [] },
  { from: 'process', runtime: [], types: ['log'], sdk: [] },
  { from: 'urls', runtime: [], types: [], sdk: [] },
  { from: 'secrets', runtime: [], types: [], sdk: [] },
  { from: 'store', runtime: ['domain'], types: ['contract', 'log'], sdk: [] },
  { from: 'storage', runtime: ['domain'], types: ['contract', 'log'], sdk: [] },
  { from: 'media', runtime: ['domain', 'toolEnvironment'], types: ['contract', 'log'], sdk: [] },
  { from: 'egress', runtime: ['domain', 'urls'], types: ['contract', 'log'], sdk: [] },
  {
    from: 'temporal',
    runtime: ['domain', 'names', 'contract', 'store'],
    types: ['log'],
    sdk: ['client', 'common'],
  },
  {
    from: 'messages',
    runtime: ['domain', 'names'],
    types: ['contract'],
    sdk: ['workflow', 'common'],
  },
  {
    from: 'workflows',
    runtime: ['domain', 'names', 'messages'],
    types: ['contract', 'activities'],
    sdk: ['workflow', 'common'],
  },
  {
    from: 'activities',
    runtime: ['domain', 'names', 'contract', 'store', 'storage', 'media', 'egress', 'secrets'],
    types: ['log', 'config', 'temporal'],
    sdk: ['activity', 'common'],
  },
  {
    from: 'api',
    runtime: [...EDGE, 'messages', 'urls'],
    types: ['egress', 'storage', 'workflows', 'apiRoot'],
    sdk: ['client', 'common'],
  },
  {
    from: 'apiRoot',
    runtime: [...EDGE, 'messages', 'urls', 'storage', 'media', 'api'],
    types: ['egress', 'workflows'],
    sdk: ['client', 'common'],
  },
  {
    from: 'worker',
    runtime: [...EDGE, 'storage', 'media', 'egress', 'activities'],
    types: [],
    sdk: ['worker', 'activity', 'client', 'common'],
  },
  { from: 'cli', runtime: [...EDGE, 'urls'], types: [], sdk: ['client', 'common'] },
  { from: 'dev', runtime: [...EDGE, 'storage', 'media', 'egress'], types: [], sdk: null },
];
// bench/ and test/ may import everything; nothing else may import them

/** What only one part may use; tools for developers and tests are free to. */
const RESERVED = [
  {
    name: 'only-process-spawns',
    why: 'src/media/process alone starts programs: argument arrays, limits and the watchdog live there.',
    owners: '^src/media/process/',
    to: {
      path: '^(?:child_process|cluster)$|(?:^|/)node_modules/(?:execa|cross-spawn|nano-spawn)/',
    },
  },
  {
    name: 'only-store-has-sql',
    why: 'src/store alone speaks to Postgres: one function per statement, rows mapped at once.',
    owners: '^src/store/',
    to: { path: '(?:^|/)node_modules/(?:@types/)?(?:kysely|pg|pg-[^/]+|postgres)/' },
  },
  {
    name: 'only-storage-has-vendor-sdks',
    why: 'src/storage alone imports a storage vendor: one adapter file each behind driver.ts.',
    owners: '^src/storage/',
    to: { path: '(?:^|/)node_modules/@(?:aws-sdk|smithy|azure|google-cloud)/' },
  },
  {
    name: 'only-egress-opens-connections',
    why: 'src/egress alone opens connections to foreign addresses, after its checks.',
    owners: '^src/egress/|^api/server[.]ts$',
    to: {
      path:
        '^(?:http|https|http2|net|tls|dgram|dns|dns/promises)$' +
        '|(?:^|/)node_modules/(?:undici|axios|got|ky|node-fetch|ws)/',
      dependencyTypesNot: ['type-only', 'type-import'],
    },
  },
];

const VANISHING = ['type-only', 'type-import'];
const OUTSIDE_PRODUCTION = ['cli', 'dev', 'bench', 'test'].map((area) => AREAS[area]).join('|');
const anyOf = (areas) => areas.map((area) => AREAS[area]).join('|');
const TREE = anyOf(Object.keys(AREAS));

function rulesOf({ from, runtime, types, sdk }) {
  const source = { path: AREAS[from] };
  const known = anyOf([from, ...runtime, ...types]);
  const rules = [
    {
      name: `${from}-imports`,
      comment: `${from} may import: ${[...runtime, ...types.map((area) => `${area} (types)`)].join(', ') || 'only itself'}.`,
      severity: 'error',
      from: source,
      to: { path: TREE, pathNot: known },
    },
  ];
  if (types.length > 0) {
    rules.push({
      name: `${from}-types-only`,
      comment: `${from} may import these by \`import type\` only: ${types.join(', ')}.`,
      severity: 'error',
      from: source,
      to: { path: anyOf(types), dependencyTypesNot: VANISHING },
    });
  }
  if (sdk !== null) {
    rules.push({
      name: `${from}-temporal-sdk`,
      comment: `${from} may import of @temporalio/: ${sdk.join(', ') || 'nothing'}.`,
      severity: 'error',
      from: source,
      to: {
        path: '(?:^|/)node_modules/@temporalio/',
        ...(sdk.length > 0 && { pathNot: `(?:^|/)node_modules/@temporalio/(?:${sdk.join('|')})/` }),
      },
    });
  }
  return rules;
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...BORDERS.flatMap(rulesOf),
    ...RESERVED.map(({ name, why, owners, to }) => ({
      name,
      comment: why,
      severity: 'error',
      from: { pathNot: `${owners}|${OUTSIDE_PRODUCTION}` },
      to,
    })),
    {
      name: 'sandbox-is-closed',
      comment:
        'domain and workflows run in the sandbox: no Node built-in, no package but the workflow SDK.',
      severity: 'error',
      from: { path: anyOf(['domain', 'names', 'messages', 'workflows']) },
      to: {
        dependencyTypes: [
          'core',
          'npm',
          'npm-dev',
          'npm-optional',
          'npm-peer',
          'npm-no-pkg',
          'npm-unknown',
        ],
        pathNot: '(?:^|/)node_modules/@temporalio/',
      },
    },
    {
      name: 'every-file-has-a-place',
      comment: 'A folder that the table of borders does not know is a folder without borders.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['local'], pathNot: `${TREE}|(?:^|/)node_modules/|^package[.]json$` },
    },
    {
      name: 'every-folder-has-borders',
      comment: 'Code outside the folders of the table is code without borders.',
      severity: 'error',
      from: { pathNot: `${TREE}|(?:^|/)node_modules/` },
      to: {},
    },
    {
      name: 'no-circular',
      comment:
        'A circle at run time makes the order of initialisation matter; one of types is one file in several.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'production-needs-no-dev-dependency',
      comment: 'An image built with `npm ci --omit=dev` lacks devDependencies.',
      severity: 'error',
      from: { pathNot: `${AREAS.test}|${AREAS.bench}|${AREAS.dev}` },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'], dependencyTypesNot: VANISHING },
    },
  ],
  options: {
    parser: 'tsc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(?:[.]data|coverage|dist|docs)/' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
