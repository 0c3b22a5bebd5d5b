import type { ActivityOptions } from '@temporalio/workflow';
import { TASK_QUEUES } from '../src/temporal/names.ts';

/**
 * Tries of a task that Temporal may make. Failures of the work itself are counted apart, against
 * `retry_limit`, and end with a non-retryable failure; this is the budget for lost workers.
 */
const INFRASTRUCTURE_ATTEMPTS = 50;

const media = {
  taskQueue: TASK_QUEUES.work,
  // unset means TRY_CANCEL: the job would end and free its slot while ffmpeg runs on
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  heartbeatTimeout: '10s',
  retry: {
    initialInterval: '1s',
    backoffCoefficient: 2,
    maximumInterval: '30s',
    maximumAttempts: INFRASTRUCTURE_ATTEMPTS,
  },
} as const satisfies ActivityOptions;

/** Seconds to a few minutes, whatever the length of the content. */
export const quick = { ...media, startToCloseTimeout: '30m' } as const satisfies ActivityOptions;

/** Grows with the bytes moved. */
export const transfer = { ...media, startToCloseTimeout: '24h' } as const satisfies ActivityOptions;

/** Grows with the length of the content. */
export const encode = { ...media, startToCloseTimeout: '48h' } as const satisfies ActivityOptions;
