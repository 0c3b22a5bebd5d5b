import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPlantedTree, type PlantedTree, ROOT } from './planted-tree.ts';

const PASSES = "test('passes', () => {});\n";
const LEAKS = `import { spawn } from 'node:child_process';
test('leaves a process', () => {
  spawn('sleep', ['31'], { detached: true, stdio: 'ignore' }).unref();
});
`;
const CONFIG = `import { defineConfig } from 'vitest/config';
export default defineConfig({
  test: { reporters: ['${join(ROOT, 'test/reporter.ts')}'], pool: 'forks', include: ['*.test.ts'] },
});
`;

let tree: PlantedTree;

beforeAll(async () => {
  tree = await createPlantedTree();
  await tree.plant('vitest.config.ts', CONFIG);
});

afterAll(() => tree.remove());

/** Runs one planted test file; its exit code and what it printed. */
async function run(name: string, text: string): Promise<{ exitCode: number; lines: string[] }> {
  await tree.plant(`${name}.test.ts`, `import { test } from 'vitest';\n${text}`);
  const { exitCode, output } = await tree.run('vitest', 'run', `${name}.test.ts`);
  return { exitCode, lines: output.trimEnd().split('\n') };
}

test.each([
  ['passes', PASSES, 0, '1 passed, 0 failed'],
  [
    'fails',
    `${PASSES}test('fails', () => {\n  throw new Error('x');\n});\n`,
    1,
    '1 passed, 1 failed',
  ],
  [
    'is left out',
    `${PASSES}test.skipIf(true)('not here', () => {});\n`,
    0,
    '1 passed, 0 failed, 1 skipped',
  ],
  ['cannot be loaded', "import './nowhere.ts';\n", 1, '0 passed, 1 failed'],
  ['rejects late', `${PASSES}void Promise.reject(new Error('x'));\n`, 1, '1 passed, 1 failed'],
])('the closing line of a file that %s says so', async (name, text, exitCode, line) => {
  const result = await run(name.replaceAll(' ', '-'), text);
  expect([result.exitCode, result.lines.at(-1)]).toEqual([exitCode, line]);
});

test('a process that outlives the run is named, and is a failure', async () => {
  const { exitCode, lines } = await run('leaks', LEAKS);
  const pids = lines.flatMap(
    (line) => /left a process behind: (\d+) sleep 31$/.exec(line)?.[1] ?? [],
  );
  for (const pid of pids) process.kill(Number(pid));
  expect([exitCode, pids.length, lines.at(-1)]).toEqual([1, 1, '1 passed, 1 failed']);
}, 20_000);
