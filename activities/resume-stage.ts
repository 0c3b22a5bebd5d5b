import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkError } from '../src/domain/failure.ts';
import { jobScratch, type Stage, STAGES, stageFolder } from './scratch.ts';
import type { Task } from './task.ts';

/**
 * Like `fillStage`, for stages that take long to fill: an attempt goes on from what earlier attempts of
 * its task left, and leaves what it has when it fails or its worker dies. `fill` is given a folder that
 * may hold files of any state and has to judge each. A folder changes hands by renaming, which only
 * one attempt can do, and whoever still writes by the old name finds nothing there.
 */
export async function resumeStage<Result>(
  workRoot: string,
  task: Task,
  stage: Stage,
  fill: (folder: string) => Promise<Result>,
): Promise<Result> {
  const job = jobScratch(workRoot, task.jobId);
  const prefix = `.${STAGES[stage]}-${task.taskNumber}-`;
  const attempt = join(job, `${prefix}${task.attempt}-${runOf(task)}`);
  const target = stageFolder(workRoot, task.jobId, stage);
  await mkdir(job, { recursive: true });
  await takeOver(job, attempt, (name) => isEarlier(name, prefix, STAGES[stage], task));
  await mkdir(attempt, { recursive: true });
  try {
    const result = await fill(attempt);
    task.signal.throwIfAborted();
    await putInPlace(attempt, target);
    return result;
  } catch (error) {
    if (isOfNoUse(error)) await rm(attempt, { recursive: true, force: true });
    // an empty one helps nobody; one that is not stays
    else await rmdir(attempt).catch(() => undefined);
    throw error;
  }
}

/** Attempts count anew in another run. */
const runOf = (task: Task): string => task.runId.slice(0, 8);

/** Input that cannot be worked on is fetched no more; and where there is no room, none is kept. */
const isOfNoUse = (error: unknown): boolean =>
  error instanceof WorkError && (error.isTerminal || error.type === 'NoSpace');

/**
 * Whether a folder was left by an attempt before this one, or of another run. The finished stage is, but
 * for a first attempt: its maker may have ended without being able to say so. One that was frozen at its
 * very start leaves later attempts alone.
 */
function isEarlier(name: string, prefix: string, finished: string, task: Task): boolean {
  if (name === finished) return task.attempt > 1;
  if (!name.startsWith(prefix)) return false;
  const [attempt = '', ...run] = name.slice(prefix.length).split('-');
  return run.join('-') !== runOf(task) || Number(attempt) <= task.attempt;
}

/** Renames to `attempt` the newest of what earlier attempts left; the rest goes. */
async function takeOver(
  job: string,
  attempt: string,
  isOneOf: (name: string) => boolean,
): Promise<void> {
  const left = (await readdir(job)).filter(isOneOf).map((name) => join(job, name));
  const dated = await Promise.all(
    left.map(async (path) => ({ path, mtimeMs: await changedMs(path) })),
  );
  let isTaken = false;
  for (const { path } of dated.sort((one, other) => other.mtimeMs - one.mtimeMs)) {
    if (!isTaken) isTaken = await isRenamed(path, attempt);
    if (path !== attempt) await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

const changedMs = async (path: string): Promise<number> => {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
};

async function isRenamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch {
    // taken by another attempt, or `to` is there: what is fetched anew is no error
    return false;
  }
}

/**
 * Renames a folder to the stage's name. What stands there is of an attempt that was frozen when this one
 * began; it is moved aside first, never removed, so that an attempt whose own folder was taken over
 * cannot take the stage away.
 */
async function putInPlace(attempt: string, target: string): Promise<void> {
  try {
    await rename(attempt, target);
    return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
  const aside = `${attempt}-${randomUUID()}`;
  await rename(target, aside);
  try {
    await rename(attempt, target);
  } catch (error) {
    await rename(aside, target).catch(() => undefined);
    throw error;
  }
  await rm(aside, { recursive: true, force: true, maxRetries: 3 });
}
