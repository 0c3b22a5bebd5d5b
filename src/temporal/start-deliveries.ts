import type { Db } from '../store/db.ts';
import { type IdleEndpoint, claimIdleEndpoints } from '../store/endpoints.ts';
import type { TemporalClient } from './client.ts';
import { deliveryWorkflowId, ENGINE_WORKFLOWS, TASK_QUEUES, WAKE_SIGNAL } from './names.ts';

const BATCH = 20;
const CALL_TIMEOUT_MS = 10_000;

/** Between two looks at all endpoints, milliseconds; in between those are looked at that were named. */
const LOOK_AT_ALL_MS = 1000;

/** Starts, or wakes, the delivery workflows of endpoints that have something due and nobody sending it. */
export interface DeliveryStarter {
  /** Names endpoints that may have something due; undefined: any may. */
  readonly hint: (endpointIds: readonly number[] | undefined) => void;
  /** Looks once; true where more may be waiting. */
  readonly run: () => Promise<boolean>;
}

/**
 * Makes a {@link DeliveryStarter}. Ten thousand endpoints that wait for their next attempt are passed over
 * once a second and not at every event.
 */
export function createDeliveryStarter(deps: {
  readonly db: Db;
  readonly temporal: TemporalClient;
}): DeliveryStarter {
  let hinted = new Set<number>();
  let isAnyHinted = true;
  let nextLookAtAll = 0;
  return {
    hint: (endpointIds) => {
      if (endpointIds === undefined) isAnyHinted = true;
      for (const id of endpointIds ?? []) hinted.add(id);
    },
    run: async () => {
      const now = performance.now();
      const isAll = isAnyHinted || now >= nextLookAtAll;
      const named = [...hinted];
      if (!isAll && named.length === 0) return false;
      hinted = new Set();
      isAnyHinted = false;
      let isThrough = false;
      try {
        const endpoints = await claimIdleEndpoints(deps.db, BATCH, isAll ? undefined : named);
        await Promise.all(endpoints.map((endpoint) => startDelivery(deps.temporal, endpoint)));
        isThrough = endpoints.length < BATCH;
      } finally {
        // what was not looked at, or could not be told, is looked for again
        if (isThrough && isAll) nextLookAtAll = now + LOOK_AT_ALL_MS;
        if (!isThrough) {
          isAnyHinted ||= isAll;
          for (const id of named) hinted.add(id);
        }
      }
      return !isThrough;
    },
  };
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
