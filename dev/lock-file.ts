import { link, mkdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, processStart } from './process-identity.ts';

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number;
  /** Start time of that process, see {@link processStart}. */
  readonly start: string;
  /** When it took the lock, ISO 8601. */
  readonly since: string;
}

/** Somebody alive holds the lock. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError';
  readonly holder: LockHolder;

  constructor(path: string, holder: LockHolder) {
    super(`${path} is held by process ${holder.pid} since ${holder.since}`);
    this.holder = holder;
  }
}

/** A take-over that was itself interrupted is forgotten after this time. */
const TAKEOVER_MS = 10_000;

/**
 * Takes a lock that lives as long as this process: a file with the holder's id, made in one step
 * (link(2) fails where the name exists). The lock of a dead process is taken over. Throws
 * {@link LockHeldError} at once, or with `waitMs` after that time; `onWait` hears of the holder once.
 * Returns what releases it.
 */
export async function takeLock(
  path: string,
  options: { readonly waitMs?: number; readonly onWait?: (holder: LockHolder) => void } = {},
): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const own: LockHolder = {
    pid: process.pid,
    start: await processStart(process.pid),
    since: new Date().toISOString(),
  };
  const text = JSON.stringify(own);
  const deadline = Date.now() + (options.waitMs ?? 0);
  let isWaiting = false;
  while (!(await tryLink(path, text))) {
    const found = await readHolder(path);
    if (found === undefined) continue;
    if (!(await isAlive(found.holder))) {
      await removeStale(path, found.text);
      continue;
    }
    if (Date.now() >= deadline) throw new LockHeldError(path, found.holder);
    if (!isWaiting) options.onWait?.(found.holder);
    isWaiting = true;
    await delay(250);
  }
  return async () => {
    if ((await readHolder(path))?.text === text) await unlink(path);
  };
}

async function isAlive(holder: LockHolder): Promise<boolean> {
  return (await isRunning(holder.pid)) && (await processStart(holder.pid)) === holder.start;
}

async function tryLink(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(draft, text);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (code(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}

async function readHolder(
  path: string,
): Promise<{ readonly text: string; readonly holder: LockHolder } | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    return { text, holder: JSON.parse(text) as LockHolder };
  } catch (error) {
    if (code(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Removes the lock of a dead holder. Two processes that find it must not both remove: the second
 * would remove the first one's new lock. The one that links the stale file to a second name may.
 */
async function removeStale(path: string, staleText: string): Promise<void> {
  const claim = `${path}.stale`;
  try {
    await link(path, claim);
  } catch (error) {
    if (code(error) === 'EEXIST') await forgetOldClaim(claim);
    else if (code(error) !== 'ENOENT') throw error;
    return;
  }
  try {
    if ((await readFile(claim, 'utf8')) === staleText) await unlink(path);
  } finally {
    await unlink(claim);
  }
}

async function forgetOldClaim(claim: string): Promise<void> {
  try {
    const { ctimeMs } = await stat(claim);
    if (Date.now() - ctimeMs > TAKEOVER_MS) await unlink(claim);
    else await delay(50);
  } catch (error) {
    if (code(error) !== 'ENOENT') throw error;
  }
}

const code = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
