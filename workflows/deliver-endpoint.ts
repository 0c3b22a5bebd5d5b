import {
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  CallbackActivities,
  DrainInput,
  DrainResult,
} from '../activities/callbacks/contract.ts';
import { TASK_QUEUES } from '../src/temporal/names.ts';
import { wake } from './messages.ts';

// A drain runs about a minute and heartbeats; a dead one is replaced without end: nothing else sends.
const { drainEndpoint } = proxyActivities<CallbackActivities>({
  taskQueue: TASK_QUEUES.callback,
  startToCloseTimeout: '10m',
  heartbeatTimeout: '10s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** Longest sleep between two looks, milliseconds: a lost wake-up costs no more than this. */
const LONGEST_SLEEP_MS = 60 * 60 * 1000;

/** How the endpoint is, for people: a list in the Web UI. */
function describe(drained: DrainResult, lastFailure: string | null): string {
  const { pendingStreams, failures, probeSeconds } = drained;
  const breaker =
    probeSeconds === 0
      ? 'closed'
      : `open after ${failures} failures in a row; one probe in ${probeSeconds} s`;
  return [
    `- pending: callbacks of ${pendingStreams} jobs`,
    `- breaker: ${breaker}`,
    ...(lastFailure === null ? [] : [`- last failure: ${lastFailure}`]),
  ].join('\n');
}

/**
 * Sends the callbacks of one endpoint until nothing is pending. Between tries it sleeps until the
 * next one is due or something new arrives. One execution per tenant and origin.
 */
export async function deliverEndpoint(input: DrainInput): Promise<void> {
  let isWoken = false;
  let lastFailure: string | null = null;
  setHandler(wake, () => {
    isWoken = true;
  });
  for (;;) {
    isWoken = false;
    const drained = await drainEndpoint(input);
    lastFailure = drained.lastFailure ?? lastFailure;
    setCurrentDetails(describe(drained, lastFailure));
    const { nextDueSeconds } = drained;
    if (nextDueSeconds === null) {
      if (isWoken) continue;
      return;
    }
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof deliverEndpoint>(input);
    await condition(() => isWoken, Math.min(nextDueSeconds * 1000 + 1, LONGEST_SLEEP_MS));
  }
}
