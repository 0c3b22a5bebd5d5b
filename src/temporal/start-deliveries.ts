import type { Db } from '../store/db.ts';
import { type IdleEndpoint, claimIdleEndpoints } from '../store/endpoints.ts';
import type { TemporalClient } from './client.ts';
import { deliveryWorkflowId, ENGINE_WORKFLOWS, TASK_QUEUES, WAKE_SIGNAL } from './names.ts';

const BATCH = 20;
const CALL_TIMEOUT_MS = 10_000;

/**
 * Starts, or wakes, the delivery workflow of every endpoint that has something due and nobody
 * sending it; true where more may be waiting.
 */
export async function startIdleDeliveries(deps: {
  readonly db: Db;
  readonly temporal: TemporalClient;
}): Promise<boolean> {
  const endpoints = await claimIdleEndpoints(deps.db, BATCH);
  await Promise.all(endpoints.map((endpoint) => startDelivery(deps.temporal, endpoint)));
  return endpoints.length === BATCH;
}

async function startDelivery(temporal: TemporalClient, endpoint: IdleEndpoint): Promise<void> {
  await temporal.withTimeout(CALL_TIMEOUT_MS, () =>
    temporal.client.workflow.signalWithStart(ENGINE_WORKFLOWS.deliverEndpoint, {
      workflowId: deliveryWorkflowId(endpoint.tenant, endpoint.origin),
      taskQueue: TASK_QUEUES.controller,
      args: [endpoint],
      signal: WAKE_SIGNAL,
      signalArgs: [],
      staticSummary: `callbacks of ${endpoint.tenant} to ${endpoint.origin}`,
    }),
  );
}
