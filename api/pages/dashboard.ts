import { html } from 'hono/html';
import { type Dashboard, MOST_LISTED } from '../../src/store/dashboard.ts';
import type { ListedJob } from '../../src/store/job-list.ts';
import { showWait } from './folder-wait.ts';
import { buildPage, type Html, showTime } from './page.ts';

const showRow =
  (time: (job: ListedJob) => Date | null, waits: Dashboard['waits']) =>
  (job: ListedJob): Html =>
    html`
<tr>
<td class="number">${job.position ?? ''}</td>
<td class="number"><a href="/logs/${job.id}">${job.id}</a></td>
<td class="text">${job.contentId ?? ''}${showWait(waits.get(job.id))}</td>
<td>${job.workflow}</td>
<td class="number">${job.priority}</td>
<td>${showTime(time(job))}</td>
</tr>`;

function showList(
  name: string,
  { jobs, waits }: { readonly jobs: readonly ListedJob[]; readonly waits: Dashboard['waits'] },
  timeName: string,
  time: (job: ListedJob) => Date | null,
): Html {
  const count = jobs.length === MOST_LISTED ? `the first ${MOST_LISTED}` : `${jobs.length}`;
  if (jobs.length === 0) return html`<h2>${name} <span class="faint">none</span></h2>`;
  return html`
<h2>${name} <span class="faint">${count}</span></h2>
<table>
<thead><tr><th class="number">position</th><th class="number">job</th><th>content</th><th>workflow</th>
<th class="number">priority</th><th>${timeName}</th></tr></thead>
<tbody>${jobs.map(showRow(time, waits))}</tbody>
</table>`;
}

/** A tenant's queue as a page. */
export const buildDashboardPage = (tenant: string, dashboard: Dashboard, version: string): Html =>
  buildPage(
    `Queue of ${tenant}`,
    html`
<h1>Queue of ${tenant}</h1>
<p class="faint">${dashboard.settings.maxJobs} slots, ${dashboard.settings.prioritySlots} of them for priority jobs
(priority ${dashboard.settings.priorityThreshold} or lower) · Task Engine ${version} · times in UTC</p>
${showList('Started', { jobs: dashboard.started, waits: dashboard.waits }, 'started', (job) => job.startedAt)}
${showList('Queued', { jobs: dashboard.queued, waits: dashboard.waits }, 'submitted', (job) => job.createdAt)}
${showList('Scheduled', { jobs: dashboard.scheduled, waits: dashboard.waits }, 'runs at', (job) => job.runAt)}`,
  );
