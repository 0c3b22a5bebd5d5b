import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStateFile, withPids } from '../../../dev/stack/state-file.ts';

const ADDRESSES = {
  api: { url: 'http://127.0.0.1:8080' },
  worker: {},
  temporal: { address: '127.0.0.1:7233', ui: 'http://127.0.0.1:8233' },
  postgres: { url: 'postgres://127.0.0.1:5432/x' },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'task-engine-state-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a piece that is not up has no process id', () => {
  expect(withPids(ADDRESSES, { worker: 7 })).toEqual({ ...ADDRESSES, worker: { pid: 7 } });
});

test('the last of many writes at once is the one that stays, whole', async () => {
  const file = createStateFile(folder);
  const writes = Array.from({ length: 20 }, (_, at) =>
    file.write(withPids(ADDRESSES, { api: at + 1 })),
  );
  await Promise.all(writes);
  expect(JSON.parse(await readFile(join(folder, 'stack.json'), 'utf8')).api.pid).toBe(20);
  expect(await readdir(folder)).toEqual(['stack.json']);
});

test('only its owner may read it, since an address may hold a password', async () => {
  await createStateFile(folder).write(ADDRESSES);
  expect((await stat(join(folder, 'stack.json'))).mode & 0o777).toBe(0o600);
});

test('it can be removed where it never was', async () => {
  await createStateFile(folder).remove();
  expect(await readdir(folder)).toEqual([]);
});
