import { proxyActivities } from '@temporalio/workflow';
import type { TaskActivities } from '../activities/contract.ts';
import type { UndoPublishInput } from '../src/contract/recipe-input.ts';
import { transfer } from './cost-classes.ts';

const { restorePublication } = proxyActivities<TaskActivities>(transfer);

/** Puts back what a job's publication replaced. */
export async function undo_publish({
  jobId,
  tenant,
  undoneJobId,
}: UndoPublishInput): Promise<void> {
  await restorePublication({ jobId, tenant, undoneJobId });
}
