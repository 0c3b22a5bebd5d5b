import { defineSignal } from '@temporalio/workflow';
import { WAKE_SIGNAL } from '../src/temporal/names.ts';

/** Something new is due at the endpoint; a delivery workflow that sleeps looks at once. */
export const wake = defineSignal(WAKE_SIGNAL);
