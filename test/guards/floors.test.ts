import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Least versions in which known holes are closed. */
const FLOORS: Readonly<Record<string, string>> = {
  undici: '7.30.2',
  hono: '4.13.0',
  '@hono/node-server': '2.1.0',
  'fast-xml-parser': '5.5.6',
  protobufjs: '8.0.0',
};

const isAtLeast = (version: string, floor: string): boolean =>
  version.localeCompare(floor, 'en', { numeric: true }) >= 0;

function belowFloor(lock: { packages: Record<string, { version?: string }> }): readonly string[] {
  return Object.entries(lock.packages).flatMap(([path, { version = '' }]) => {
    const floor = FLOORS[path.split('node_modules/').at(-1) ?? ''];
    return floor === undefined || isAtLeast(version, floor) ? [] : [`${path} ${version}`];
  });
}

test('no package of the lock file is below its floor, and a planted one is found', async () => {
  const lock = JSON.parse(
    await readFile(join(import.meta.dirname, '..', '..', 'package-lock.json'), 'utf8'),
  );
  expect(belowFloor(lock)).toEqual([]);
  lock.packages['node_modules/x/node_modules/undici'] = { version: '7.9.0' };
  expect(belowFloor(lock)).toEqual(['node_modules/x/node_modules/undici 7.9.0']);
});

test('there is one protobufjs: two copies break payload storage', async () => {
  const lock = JSON.parse(
    await readFile(join(import.meta.dirname, '..', '..', 'package-lock.json'), 'utf8'),
  );
  const copies = Object.keys(lock.packages).filter((path) =>
    path.endsWith('node_modules/protobufjs'),
  );
  expect(copies).toEqual(['node_modules/protobufjs']);
});
