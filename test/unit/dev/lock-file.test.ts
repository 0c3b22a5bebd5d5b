import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LockHeldError, takeLock } from '../../../dev/lock-file.ts';
import { processStart } from '../../../dev/process-identity.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'task-engine-lock-'));
  path = join(folder, 'a.lock');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Leaves the lock as a process that has died leaves it. */
async function leaveStaleLock(): Promise<void> {
  const child = spawn('true');
  await new Promise((resolve) => child.once('exit', resolve));
  await writeFile(path, JSON.stringify({ pid: child.pid, start: '1', since: 'then' }));
}

test('a lock that is held is refused, and the refusal says who holds it', async () => {
  const release = await takeLock(path);
  await expect(takeLock(path)).rejects.toThrow(LockHeldError);
  await expect(takeLock(path)).rejects.toThrow(`process ${process.pid}`);
  await release();
});

test('a released lock can be taken again and leaves no file', async () => {
  await (await takeLock(path))();
  await (await takeLock(path))();
  expect(await readdir(folder)).toEqual([]);
});

test('who waits gets the lock when it is released, and hears whom it waits for', async () => {
  const release = await takeLock(path);
  const heard: number[] = [];
  const waiting = takeLock(path, { waitMs: 5_000, onWait: (holder) => heard.push(holder.pid) });
  setTimeout(() => void release(), 300);
  await (await waiting)();
  expect(heard).toEqual([process.pid]);
});

test('the lock of a dead process is taken over', async () => {
  await leaveStaleLock();
  const release = await takeLock(path);
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
  await release();
});

test('the lock of a dead process whose id another one now has is taken over', async () => {
  const since = new Date().toISOString();
  await writeFile(path, JSON.stringify({ pid: process.pid, start: 'before', since }));
  expect(await processStart(process.pid)).not.toBe('before');
  await (await takeLock(path))();
});

test('of many that find a dead lock exactly one takes it', async () => {
  await leaveStaleLock();
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path)));
  const taken = results.filter((one) => one.status === 'fulfilled');
  expect(taken).toHaveLength(1);
  await taken[0]?.value();
  expect(await readdir(folder)).toEqual([]);
});
