import { defineSignal } from '@temporalio/workflow';
import { RESUME_SIGNAL, WAKE_SIGNAL } from '../src/temporal/names.ts';

/** Something new is due at the endpoint; a delivery workflow that sleeps looks at once. */
export const wake = defineSignal(WAKE_SIGNAL);

/** The job was put back, or given up: a task that is held asks again whether it may start. */
export const resume = defineSignal(RESUME_SIGNAL);
