import { proxyActivities } from '@temporalio/workflow';
import type { TaskActivities } from '../activities/contract.ts';
import type { AssetDeleteInput } from '../src/contract/recipe-input.ts';
import { transfer } from './cost-classes.ts';

const { deleteFiles } = proxyActivities<TaskActivities>(transfer);

/** Deletes single files of the output root, which the task reads from the job. */
export async function asset_delete({ jobId, tenant, storage }: AssetDeleteInput): Promise<void> {
  await deleteFiles({ jobId, tenant, storage });
}
