import type { StorageKind } from '../domain/storage-kind.ts';
import type { TaskName } from '../domain/tasks.ts';
import { TASK_QUEUES } from '../temporal/names.ts';
import type { AssetDeleteInput, VoddeleteInput, VodstreamInput } from './recipe-input.ts';

/** A task that a job will run. */
export interface PlannedTask {
  readonly name: TaskName;
  /** The task queue whose workers run it. */
  readonly queue: string;
}

/** A folder of a storage. */
export interface PlannedFolder {
  readonly storage: StorageKind;
  readonly folder: string;
}

/** Makes an asset of sources. */
export interface MakingPlan {
  readonly kind: 'make';
  /** `asset`: stem of the asset's names; files of that name were published there and are no sources. */
  readonly source: PlannedFolder & { readonly asset: string };
  readonly output: PlannedFolder;
  /** In the order in which they are scheduled; some run side by side. */
  readonly tasks: readonly PlannedTask[];
}

/** Deletes a folder with all that is in it, or single files. */
export interface DeletingPlan {
  readonly kind: 'delete';
  readonly storage: StorageKind;
  /** Null where single files go. */
  readonly folder: string | null;
  /** Keys of single files. */
  readonly files: readonly string[];
  readonly tasks: readonly PlannedTask[];
}

/** What a recipe will do with its parameters. */
export type RecipePlan = MakingPlan | DeletingPlan;

const onWorkers = (names: readonly TaskName[]): readonly PlannedTask[] =>
  names.map((name) => ({ name, queue: TASK_QUEUES.work }));

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
    kind: 'make',
    source: { storage: input.sourceStorage, folder: input.sourceFolder, asset: input.asset },
    output: { storage: input.destinationStorage, folder: input.outputFolder },
    tasks: onWorkers(names.filter((name) => name !== false)),
  };
}

/** What `workflows/voddelete.ts` does. */
export const planVoddelete = ({ storage, folder }: VoddeleteInput): RecipePlan => ({
  kind: 'delete',
  storage,
  folder,
  files: [],
  tasks: onWorkers(['delete_asset']),
});

/** What `workflows/asset-delete.ts` does. */
export const planAssetDelete = (
  { storage }: AssetDeleteInput,
  files: readonly string[],
): RecipePlan => ({
  kind: 'delete',
  storage,
  folder: null,
  files,
  tasks: onWorkers(['delete_files']),
});
