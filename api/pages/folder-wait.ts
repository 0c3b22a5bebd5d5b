import { html } from 'hono/html';
import { toReason } from '../../src/contract/job-json.ts';
import type { FolderWait } from '../../src/domain/folder-queue.ts';
import type { Html } from './page.ts';

/** For whom a job waits, on a line of its own; nothing for one that waits for nobody. */
export const showWait = (wait: FolderWait | undefined): Html | string =>
  wait === undefined
    ? ''
    : html`<br><span class="badge warn">waits for <a href="/logs/${wait.jobId}">job ${wait.jobId}</a></span>
<span class="faint">${toReason(wait)}</span>`;
