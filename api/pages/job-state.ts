import { html } from 'hono/html';
import type { JobSummary } from '../../src/store/jobs.ts';
import type { Html } from './page.ts';

const COLOURS: Readonly<Record<JobSummary['state'], string>> = {
  scheduled: 'info',
  queued: 'info',
  started: 'ok',
  pending: 'info',
  paused: 'warn',
  completed: 'ok',
  broken: 'error',
};

/** A job's state as a coloured word. */
export const showState = (job: Pick<JobSummary, 'state' | 'isFailed'>): Html =>
  job.isFailed
    ? html`<span class="badge error">${job.state}, failed</span>`
    : html`<span class="badge ${COLOURS[job.state]}">${job.state}</span>`;
