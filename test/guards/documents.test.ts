import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT } from './planted-tree.ts';

/** Relative links of a page that lead to no file. */
function deadLinks(page: string, text: string): readonly string[] {
  return [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].flatMap(([, target = '']) =>
    existsSync(join(ROOT, dirname(page), target)) ? [] : [`${page} → ${target}`],
  );
}

const documents = async (): Promise<readonly string[]> => {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '*.md'], { cwd: ROOT });
  return stdout.split('\n').filter((path) => path !== '');
};

test('every link of a document leads to a file', async () => {
  const dead = await Promise.all(
    (await documents()).map(async (page) =>
      deadLinks(page, await readFile(join(ROOT, page), 'utf8')),
    ),
  );
  expect(dead.flat()).toEqual([]);
  expect(deadLinks('docs/a.md', '[x](nowhere.md#y)')).toEqual(['docs/a.md → nowhere.md']);
});

test('every npm script that a document names is there', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  for (const page of await documents()) {
    const text = await readFile(join(ROOT, page), 'utf8');
    for (const [, name = ''] of text.matchAll(/npm run ([a-z][a-z0-9:-]*)/g)) {
      expect([page, name, typeof scripts[name]]).toEqual([page, name, 'string']);
    }
  }
});

test('the reader of the README finds every variable of the environment that the engine reads', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const config = await readFile(join(ROOT, 'src/config/config.ts'), 'utf8');
  const names = [...config.matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(([, name = '']) => name);
  const internal = ['EMBEDDED', 'NODE_ENV', 'XDG_CACHE_HOME'];
  expect(names.length).toBeGreaterThan(10);
  expect(
    names.filter((name) => !internal.includes(name) && !readme.includes(`\`${name}\``)),
  ).toEqual([]);
});
