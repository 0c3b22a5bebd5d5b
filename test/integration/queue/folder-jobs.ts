import { type FolderClaims, NO_CLAIMS } from '../../../src/domain/folder-claims.ts';
import type { Db } from '../../../src/store/db.ts';
import { finishJob } from '../../../src/store/finish.ts';
import { changeJob } from '../../../src/store/job-changes.ts';
import { getJob, insertJobs } from '../../../src/store/jobs.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { addAnotherTenant } from '../../helpers/tenant.ts';

export const writing = (folder: string): FolderClaims => ({ ...NO_CLAIMS, writesTo: [folder] });
export const clearing = (folder: string): FolderClaims => ({ ...writing(folder), clears: true });

/** What tests of folders do with tenants and their jobs. */
export function createFolderJobs(db: () => Db) {
  const newTenant = (maxJobs: number): Promise<number> =>
    addAnotherTenant(db(), { max_jobs: maxJobs });

  const submit = (
    tenantId: number,
    ...claims: readonly FolderClaims[]
  ): Promise<readonly number[]> =>
    insertJobs(
      db(),
      claims.map((one) => ({
        tenantId,
        workflow: 'vodstream',
        contentId: 'c',
        priority: 5,
        state: 'queued' as const,
        parameters: '{}',
        customData: null,
        runAt: null,
        semaphoreUrl: null,
        isPersistent: false,
        searchText: 'c',
        callbackUrls: [],
        claims: one,
        notes: [],
      })),
    );

  const submitOne = async (tenantId: number, claims: FolderClaims): Promise<number> =>
    (await submit(tenantId, claims))[0] ?? 0;

  const stateOf = async (jobId: number) => (await getJob(db(), jobId))?.state;
  const end = (jobId: number) =>
    finishJob(db(), { jobId, isFailed: false, reason: '', timeMs: Date.now(), events: [] });
  const messagesOf = async (jobId: number) =>
    (await listLogs(db(), jobId, { withInvisible: true })).map((row) => row.message);

  async function change(tenantId: number, jobId: number, state: 'paused' | 'queued' | 'broken') {
    await changeJob(db(), { tenantId, jobId }, { state }, () => state);
  }
  return { newTenant, submit, submitOne, stateOf, end, messagesOf, change };
}
