import { WorkflowNotFoundError } from '@temporalio/client';
import type { TemporalClient } from './client.ts';
import { jobWorkflowId } from './names.ts';

const CALL_TIMEOUT_MS = 10_000;

/** How a job's execution stands: running, closed (with the reason, for people), or unknown. */
export async function describeJobExecution(
  temporal: TemporalClient,
  jobId: number,
): Promise<
  | { readonly kind: 'running' }
  | { readonly kind: 'closed'; readonly reason: string }
  | { readonly kind: 'unknown' }
> {
  try {
    const { status } = await temporal.withTimeout(CALL_TIMEOUT_MS, () =>
      temporal.client.workflow.getHandle(jobWorkflowId(jobId)).describe(),
    );
    if (status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW') return { kind: 'running' };
    const word = status.name.toLowerCase().replaceAll('_', ' ');
    return { kind: 'closed', reason: `The workflow was ${word} before it could end the job` };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'unknown' };
    throw error;
  }
}
