import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { describeIssue } from '../../src/contract/fault.ts';
import type { Submitted } from '../../src/contract/new-job.ts';
import { isStorageConfigured, storageDefaults } from '../../src/contract/storage-defaults.ts';
import { insertJobs, type NewJob } from '../../src/store/jobs.ts';
import { isRefusal } from '../../src/store/refusal.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { tryJob } from '../submission/dry-run.ts';
import { judgeSubmission, keepJob, refuseClash } from '../submission/folders.ts';
import { ApiError } from '../errors.ts';
import { idempotencyKey, makeJobOnce } from '../submission/idempotency.ts';
import { describeSubmit, SubmitQuery } from '../openapi/submit.ts';
import { createSubmitter } from '../submission/submitter.ts';

/** `POST /job`: takes a job. It is kept, with its first log rows, before the answer goes out. */
export function registerSubmit(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath(describeSubmit);
  const submitter = createSubmitter({ insert: (jobs) => insertJobs(deps.db, jobs), isRefusal });

  const judge = (c: Context<ApiEnv>): Submitted => {
    const tenant = c.get('tenant');
    return judgeSubmission(c.get('body')?.text ?? 'null', {
      tenantId: tenant.id,
      tenant: tenant.name,
      storage: storageDefaults(tenant),
      isConfigured: (kind, side) => isStorageConfigured(tenant, kind, side),
      tenantCallbackUrls: tenant.callbackUrls,
      checkUrl: (url) => deps.checkUrl(url, tenant.allowedNetworks),
      placeOf: (kind, side) => deps.findPlace(tenant, kind, side),
      now: deps.now(),
    });
  };

  const admit = (job: NewJob): void => {
    if (job.state === 'queued') deps.admitter.request(job.tenantId);
  };

  const submit = async (job: Submitted): Promise<number> => {
    const jobId = await (job.isRefusedOnClash ? keepJob(deps.db, job) : submitter.submit(job));
    admit(job);
    return jobId;
  };

  // judged only where it is the first: what was accepted once is answered the same for a day
  const submitOnce = async (c: Context<ApiEnv>, key: string): Promise<number> => {
    let made: Submitted | undefined;
    const { jobId } = await makeJobOnce(c, deps.db, key, (transaction) => {
      made = judge(c);
      return keepJob(transaction, made);
    });
    if (made !== undefined) admit(made);
    return jobId;
  };

  app.post('/job', async (c) => {
    const query = SubmitQuery.safeParse(c.req.query());
    if (!query.success) throw new ApiError(400, describeIssue(query.error, c.req.query()));
    const key = idempotencyKey(c);
    if (query.data.dry_run) {
      const tenant = c.get('tenant');
      const job = judge(c);
      await refuseClash(deps.db, job);
      const asked = { job, tenant, storage: storageDefaults(tenant) };
      return c.json(await tryJob(deps.lookUpSource, asked));
    }
    const id = await (key === undefined ? submit(judge(c)) : submitOnce(c, key));
    return c.json({ id, job_id: id, result: 'accepted' });
  });
}
