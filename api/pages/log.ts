import { html } from 'hono/html';
import type { JobSummary } from '../../src/store/jobs.ts';
import type { FolderWait } from '../../src/domain/folder-queue.ts';
import type { LogRow } from '../../src/store/logs.ts';
import { showWait } from './folder-wait.ts';
import { showState } from './job-state.ts';
import { buildPage, type Html, showTime } from './page.ts';

const COLOURS: Readonly<Record<LogRow['severity'], string>> = {
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'error',
};

const showRow = (row: LogRow): Html => html`
<tr class="${COLOURS[row.severity]}">
<td>${showTime(row.createdAt)}</td>
<td><span class="badge ${COLOURS[row.severity]}">${row.severity}</span></td>
<td>${row.progname}</td>
<td class="number">${row.taskId ?? ''}</td>
<td class="text">${row.message}</td>
</tr>`;

/** A job's log as a page. `isWhole`: with the rows that are shown on request only. */
export function buildLogPage(
  job: JobSummary,
  shown: {
    readonly rows: readonly LogRow[];
    readonly isWhole: boolean;
    readonly wait: FolderWait | undefined;
  },
): Html {
  const { rows, isWhole, wait } = shown;
  const other = isWhole
    ? html`<a href="/logs/${job.id}">without details</a>`
    : html`<a href="/logs/${job.id}?show_all=1">show all rows</a>`;
  return buildPage(
    `Log of job ${job.id}`,
    html`
<h1>Job ${job.id} <span class="faint">${job.contentId ?? ''}</span></h1>
<p>${job.workflow} of ${job.tenant} · ${showState(job)} · priority ${job.priority} · created ${showTime(job.createdAt)} ·
started ${showTime(job.startedAt)} · ended ${showTime(job.endedAt)}${showWait(wait)}</p>
${job.message === null || job.message === '' ? '' : html`<p class="text">${job.message}</p>`}
<p class="faint">${rows.length} ${rows.length === 1 ? 'row' : 'rows'}, times in UTC · ${other}</p>
<table>
<thead><tr><th>time</th><th>severity</th><th>by</th><th class="number">task</th><th>message</th></tr></thead>
<tbody>${rows.map(showRow)}</tbody>
</table>`,
  );
}
