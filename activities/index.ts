import type { Logger } from '../src/log/logger.ts';
import type { Db } from '../src/store/db.ts';
import type { TaskActivities } from './contract.ts';
import { createFileTasks, type FileTaskDeps } from './files/index.ts';
import { createMediaTasks } from './media/index.ts';
import { runTask } from './run-task.ts';
import type { ScratchWatch } from './space/watch.ts';
import type { TaskCode } from './task.ts';

/** What the task activities are given. */
export interface TaskActivityDeps extends FileTaskDeps {
  readonly db: Db;
  readonly log: Logger;
  readonly watch: Pick<ScratchWatch, 'enter'>;
}

/** All task activities, by the names of `src/domain/tasks.ts`. */
export function createTaskActivities(deps: TaskActivityDeps): TaskActivities {
  const files = createFileTasks(deps);
  const media = createMediaTasks(deps);
  const activity = <Input, Result>(code: TaskCode<Input, Result>) => runTask(deps, code);
  return {
    fetchSource: activity(files.fetchSource),
    inspectSource: activity(media.inspectSource),
    prepareCaptions: activity(media.prepareCaptions),
    package: activity(media.package),
    createThumbnail: activity(media.createThumbnail),
    generateMp4: activity(media.generateMp4),
    extractMetadata: activity(media.extractMetadata),
    publish: activity(files.publish),
    deleteSource: activity(files.deleteSource),
    deleteAsset: activity(files.deleteAsset),
    deleteFiles: activity(files.deleteFiles),
    restorePublication: activity(files.restorePublication),
    cleanup: activity(files.cleanup),
  };
}
