import type { Logger } from '../src/log/logger.ts';
import type { Db } from '../src/store/db.ts';
import { createFileTasks, type FileTaskDeps } from './files/index.ts';
import { createMediaTasks } from './media/index.ts';
import { runTask } from './run-task.ts';
import type { TaskCode } from './task.ts';

/** What the task activities are given. */
export interface TaskActivityDeps extends Omit<FileTaskDeps, 'publication'> {
  readonly db: Db;
  readonly log: Logger;
  readonly publication: FileTaskDeps['publication'];
}

type Activity<Code> =
  Code extends TaskCode<infer Input, infer Result> ? (input: Input) => Promise<Result> : never;

type TaskCodes = ReturnType<typeof createFileTasks> & ReturnType<typeof createMediaTasks>;

/** The tasks as activities, as recipes see them. */
export type TaskActivities = { readonly [Name in keyof TaskCodes]: Activity<TaskCodes[Name]> };

/** All task activities, by the names of `src/domain/tasks.ts`. */
export function createTaskActivities(deps: TaskActivityDeps): TaskActivities {
  const codes: Readonly<Record<string, TaskCode<never, unknown>>> = {
    ...createFileTasks(deps),
    ...createMediaTasks(deps),
  };
  const activities = Object.entries(codes).map(([name, code]) => [name, runTask(deps, code)]);
  return Object.fromEntries(activities) as TaskActivities;
}
