import { proxyActivities } from '@temporalio/workflow';
import type { RecipeInput } from '../../src/contract/recipe-input.ts';
import { TASK_QUEUES } from '../../src/temporal/names.ts';
import type { NoopTasks } from '../noop-tasks.ts';

export { deliverEndpoint } from '../../workflows/deliver-endpoint.ts';
export { reconcileJobs } from '../../workflows/reconcile-jobs.ts';

const {
  fetchSource,
  inspectSource,
  package: packageTracks,
  publish,
} = proxyActivities<NoopTasks>({
  taskQueue: TASK_QUEUES.work,
  startToCloseTimeout: '1m',
});

/** Four tasks that do nothing, under a recipe's name, so that the whole engine runs them. */
export async function vodstream({ jobId }: RecipeInput): Promise<void> {
  await fetchSource({ jobId });
  await inspectSource({ jobId });
  await packageTracks({ jobId });
  await publish({ jobId });
}
