import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPlantedTree, type PlantedTree, ROOT } from './planted-tree.ts';

const SOURCES = ['src', 'workflows', 'activities', 'api', 'worker', 'dev', 'bench', 'test'];

let tree: PlantedTree;

beforeAll(async () => {
  tree = await createPlantedTree([...SOURCES, 'vitest.config.ts']);
}, 60_000);

afterAll(() => tree.remove());

test('npm run verify passes on the tree as it is', async () => {
  const { exitCode, all } = await execa('npm', ['run', 'verify'], {
    cwd: ROOT,
    reject: false,
    all: true,
  });
  expect([exitCode, exitCode === 0 ? '' : all]).toEqual([0, '']);
});

test('a file that is not formatted is found', async () => {
  await tree.plant('src/domain/planted-format.ts', 'export const a   =   "x"\n');
  const { exitCode, output } = await tree.run('biome', 'format', 'src/domain');
  expect([exitCode, output]).toEqual([1, expect.stringContaining('planted-format.ts')]);
});

// the whole tree stands around the planted file: types that it draws in must not bring Node's along
test('Node globals in workflow code are type errors', async () => {
  await tree.plant('workflows/planted-globals.ts', 'export const home = process.env;\n');
  const { output } = await tree.run('tsc', '-p', 'workflows');
  expect(output).toMatch(/workflows\/planted-globals\.ts.*Cannot find name 'process'/);
});

test('dead code, unlisted and unused packages are found', async () => {
  const slots = await readFile(join(ROOT, 'src/domain/slots.ts'), 'utf8');
  await tree.plant('src/domain/slots.ts', `${slots}\nexport const nobodyUsesThis = 1;\n`);
  const names = await readFile(join(ROOT, 'src/temporal/names.ts'), 'utf8');
  await tree.plant('src/temporal/names.ts', `import 'not-in-package-json';\n${names}`);
  await tree.plant('src/domain/planted-orphan.ts', 'export const a = 1;\n');
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  manifest.dependencies['nobody-imports-this'] = '1.0.0';
  await tree.plant('package.json', JSON.stringify(manifest));
  const { output } = await tree.run('knip');
  for (const breach of [
    'nobodyUsesThis',
    'not-in-package-json',
    'planted-orphan.ts',
    'nobody-imports-this',
  ]) {
    expect(output).toContain(breach);
  }
});
