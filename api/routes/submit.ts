import type { OpenAPIHono } from '@hono/zod-openapi';
import { toNewJob } from '../../src/contract/new-job.ts';
import { storageDefaults } from '../../src/contract/storage-defaults.ts';
import { insertJobs } from '../../src/store/jobs.ts';
import { createSubmitter } from '../submitter.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { describeSubmit } from '../openapi/submit.ts';

/** `POST /job`: takes a job. It is kept, with its first log rows, before the answer goes out. */
export function registerSubmit(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openAPIRegistry.registerPath(describeSubmit);
  const submitter = createSubmitter((jobs) => insertJobs(deps.db, jobs));
  app.post('/job', async (c) => {
    const tenant = c.get('tenant');
    const job = toNewJob(c.get('body')?.text ?? 'null', {
      tenantId: tenant.id,
      tenant: tenant.name,
      storage: storageDefaults(tenant),
      checkUrl: (url) => deps.checkUrl(url, tenant.allowedNetworks),
      now: deps.now(),
    });
    const id = await submitter.submit(job);
    if (job.state === 'queued') deps.admitter.request(tenant.id);
    return c.json({ id, job_id: id, result: 'accepted' });
  });
}
