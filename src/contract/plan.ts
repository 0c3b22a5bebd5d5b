import type { StorageKind } from '../domain/storage-kind.ts';
import type { TaskName } from '../domain/tasks.ts';
import { TASK_QUEUES } from '../temporal/names.ts';
import type { VodstreamInput } from './recipe-input.ts';

/** A task that a job will run. */
export interface PlannedTask {
  readonly name: TaskName;
  /** The task queue whose workers run it. */
  readonly queue: string;
}

/** What a recipe will do with its parameters. */
export interface RecipePlan {
  readonly source: {
    readonly storage: StorageKind;
    readonly folder: string;
    /** Stem of the asset: files of that name were published there and are no sources. */
    readonly asset: string;
  };
  readonly output: { readonly storage: StorageKind; readonly folder: string };
  /** In the order in which they are scheduled; some run side by side. */
  readonly tasks: readonly PlannedTask[];
}

/** What `workflows/vodstream.ts` does with its input, for those who ask before. */
export function planVodstream(input: VodstreamInput): RecipePlan {
  const names: readonly (TaskName | false)[] = [
    'fetch_source',
    'inspect_source',
    'prepare_captions',
    'package',
    input.createThumbnail && 'create_thumbnail',
    input.generateMp4 && 'generate_mp4',
    'extract_metadata',
    'publish',
    input.deleteSource && 'delete_source',
    'cleanup',
  ];
  return {
    source: { storage: input.sourceStorage, folder: input.sourceFolder, asset: input.asset },
    output: { storage: input.destinationStorage, folder: input.outputFolder },
    tasks: names
      .filter((name) => name !== false)
      .map((name) => ({ name, queue: TASK_QUEUES.work })),
  };
}
