import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPlantedTree, type PlantedTree } from './planted-tree.ts';

const UNAWAITED = `import { proxyActivities } from '@temporalio/workflow';

interface Activities {
  cleanup(input: { readonly jobId: number }): Promise<void>;
}
const { cleanup } = proxyActivities<Activities>({ startToCloseTimeout: '1s' });

export async function planted(): Promise<void> {
  cleanup({ jobId: 1 });
  await Promise.resolve();
}
`;
const LONG = `${Array.from({ length: 401 }, (_, at) => `export const a${at} = ${at};`).join('\n')}\n`;
const MOCKING = "import { vi } from 'vitest';\nexport const fake = vi.fn();\n";

/** Each breach: the rule that must name it, where it is planted, what is planted. */
const BREACHES: readonly (readonly [string, string, string])[] = [
  ['no-floating-promises', 'workflows/unawaited.ts', UNAWAITED],
  ['no-restricted-globals', 'workflows/fetches.ts', "export const a = fetch('http://x');\n"],
  ['no-restricted-globals', 'src/domain/buffer.ts', "export const a = Buffer.from('x');\n"],
  ['no-nodejs-modules', 'workflows/built-in.ts', "import { join } from 'node:path';\njoin('a');\n"],
  ['no-restricted-globals', 'activities/fetches.ts', "export const a = fetch('http://x');\n"],
  ['no-restricted-globals', 'api/socket.ts', "export const a = new WebSocket('ws://x');\n"],
  ['no-process-env', 'api/environment.ts', "export const a = process.env['HOME'];\n"],
  [
    'no-restricted-imports',
    'api/env.ts',
    "import { env } from 'node:process';\nexport const a = env;\n",
  ],
  ['no-console', 'src/store/speaks.ts', "console.log('x');\n"],
  ['max-lines', 'src/media/long.ts', LONG],
  ['no-explicit-any', 'src/store/any.ts', 'export const a: any = 1;\n'],
  ['no-non-null-assertion', 'src/store/bang.ts', 'export const a = (b?: { c: 1 }) => b!.c;\n'],
  ['no-unused-vars', 'src/store/unused.ts', 'const a = 1;\nexport {};\n'],
  ['no-warning-comments', 'src/store/later.ts', '// TO' + 'DO: later\nexport const a = 1;\n'],
  ['no-restricted-properties', 'test/unit/mocking.ts', MOCKING],
  [
    'switch-exhaustiveness-check',
    'src/domain/switch.ts',
    "export function a(b: 'x' | 'y'): void {\n  switch (b) {\n    case 'x':\n  }\n}\n",
  ],
];

/** The same words where they are allowed. */
const ALLOWED: readonly (readonly [string, string])[] = [
  ['src/config/environment.ts', "export const a = process.env['HOME'];\n"],
  ['bench/speaks.ts', "console.log('x');\n"],
  ['dev/fetches.ts', "export const a = fetch('http://127.0.0.1');\n"],
];

let tree: PlantedTree;
let found: readonly { readonly code?: string; readonly filename: string }[];

beforeAll(async () => {
  tree = await createPlantedTree();
  for (const [, path, text] of BREACHES) await tree.plant(path, text);
  for (const [path, text] of ALLOWED) await tree.plant(path, text);
  const { output } = await tree.run('oxlint', '--type-aware', '-f', 'json');
  found = JSON.parse(output).diagnostics;
}, 120_000);

afterAll(() => tree.remove());

test.each(BREACHES)('%s is found in %s', (rule, path) => {
  const rules = found.filter(({ filename }) => filename.endsWith(path)).map(({ code }) => code);
  expect(rules.filter((code) => code?.includes(`(${rule})`))).not.toEqual([]);
});

test.each(ALLOWED)('nothing is found in %s', (path) => {
  expect(found.filter(({ filename }) => filename.endsWith(path))).toEqual([]);
});
