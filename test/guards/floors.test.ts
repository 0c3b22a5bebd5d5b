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

interface Lock {
  readonly packages: Record<
    string,
    { readonly version?: string; readonly optionalDependencies?: Readonly<Record<string, string>> }
  >;
}

const readLock = async (): Promise<Lock> =>
  JSON.parse(await readFile(join(import.meta.dirname, '..', '..', 'package-lock.json'), 'utf8'));

function belowFloor(lock: Lock): readonly string[] {
  return Object.entries(lock.packages).flatMap(([path, { version = '' }]) => {
    const floor = FLOORS[path.split('node_modules/').at(-1) ?? ''];
    return floor === undefined || isAtLeast(version, floor) ? [] : [`${path} ${version}`];
  });
}

test('no package of the lock file is below its floor, and a planted one is found', async () => {
  const lock = await readLock();
  expect(belowFloor(lock)).toEqual([]);
  lock.packages['node_modules/x/node_modules/undici'] = { version: '7.9.0' };
  expect(belowFloor(lock)).toEqual(['node_modules/x/node_modules/undici 7.9.0']);
});

test('there is one protobufjs: two copies break payload storage', async () => {
  const lock = await readLock();
  const copies = Object.keys(lock.packages).filter((path) =>
    path.endsWith('node_modules/protobufjs'),
  );
  expect(copies).toEqual(['node_modules/protobufjs']);
});

/** Optional packages that something names and the lock does not have, wherever npm would look for them. */
function missingOptional({ packages }: Lock): readonly string[] {
  const isThere = (from: string, name: string): boolean => {
    if (packages[`${from === '' ? '' : `${from}/`}node_modules/${name}`] !== undefined) return true;
    return (
      from !== '' && isThere(from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name)
    );
  };
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isThere(path, name)),
  );
}

// `npm install` from a registry without the other platforms' packages leaves them out of the lock, and
// `npm ci` then refuses the lock. They belong in it by name, version, os and cpu.
test('the lock file names the packages of every platform, and a missing one is found', async () => {
  const lock = await readLock();
  expect(missingOptional(lock)).toEqual([]);
  delete lock.packages['node_modules/@biomejs/cli-darwin-arm64'];
  expect(missingOptional(lock)).toEqual(['@biomejs/cli-darwin-arm64']);
});
