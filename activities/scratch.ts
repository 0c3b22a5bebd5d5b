import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from './task.ts';

/** What a job leaves in its scratch folder for its later tasks, one folder each. */
export const STAGES = {
  source: 'source',
  inspection: 'inspection',
  captions: 'captions',
  tracks: 'tracks',
  thumbnail: 'thumbnail',
  mp4: 'mp4',
  metadata: 'metadata',
} as const;

/** The name of a stage. */
export type Stage = keyof typeof STAGES;

/** A job's scratch folder below `WORK_ROOT`. */
export const jobScratch = (workRoot: string, jobId: number): string =>
  join(workRoot, `job-${jobId}`);

/** The folder of a finished stage. It exists whole or not at all. */
export const stageFolder = (workRoot: string, jobId: number, stage: Stage): string =>
  join(jobScratch(workRoot, jobId), STAGES[stage]);

/**
 * Runs `fill` on a fresh folder of this attempt, then renames it to the stage's name: a later task
 * sees the whole stage or none, and two attempts at once never write to one file.
 */
export async function fillStage<Result>(
  workRoot: string,
  task: Task,
  stage: Stage,
  fill: (folder: string) => Promise<Result>,
): Promise<Result> {
  const target = stageFolder(workRoot, task.jobId, stage);
  const job = jobScratch(workRoot, task.jobId);
  const prefix = `.${STAGES[stage]}-${task.taskNumber}-`;
  const attempt = join(job, `${prefix}${task.attempt}`);
  await mkdir(job, { recursive: true });
  await removeAttempts(job, prefix, task.attempt);
  await mkdir(attempt);
  try {
    const result = await fill(attempt);
    task.signal.throwIfAborted();
    await rm(target, { recursive: true, force: true });
    await rename(attempt, target);
    return result;
  } catch (error) {
    await rm(attempt, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Removes what attempts up to this one left: a killed worker removes nothing, and its half files would
 * count as the job's until its end. Later attempts are left alone by one that was frozen.
 */
async function removeAttempts(job: string, prefix: string, upTo: number): Promise<void> {
  for (const name of await readdir(job)) {
    if (!name.startsWith(prefix) || Number(name.slice(prefix.length)) > upTo) continue;
    await rm(join(job, name), { recursive: true, force: true });
  }
}

/** Writes a stage's document, JSON for the tasks that follow. */
export async function writeDocument(folder: string, name: string, value: unknown): Promise<void> {
  await writeFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
}

/** Reads what {@link writeDocument} wrote. */
export async function readDocument<Value>(folder: string, name: string): Promise<Value> {
  return JSON.parse(await readFile(join(folder, name), 'utf8')) as Value;
}
