import { proxyActivities } from '@temporalio/workflow';
import type { TaskActivities } from '../activities/contract.ts';
import type { VoddeleteInput } from '../src/contract/recipe-input.ts';
import { transfer } from './cost-classes.ts';

const { deleteAsset } = proxyActivities<TaskActivities>(transfer);

/** Deletes a folder of the output root with all that is in it. */
export async function voddelete({ jobId, tenant, storage, folder }: VoddeleteInput): Promise<void> {
  await deleteAsset({ jobId, tenant, storage, folder });
}
