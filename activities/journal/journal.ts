import type { Db } from '../../src/store/db.ts';
import { insertTaskEvents } from '../../src/store/events.ts';
import { haltPausedJob } from '../../src/store/job-changes.ts';
import { finishJob } from '../../src/store/finish.ts';
import { getJobIdentity, type JobIdentity } from '../../src/store/jobs.ts';
import { buildTaskEvent } from '../../src/store/task-event.ts';
import type { JournalActivities } from './contract.ts';

/** The journal's local activities on Postgres. */
export function createJournal(deps: { readonly db: Db }): JournalActivities {
  // read for each event: an event gets the body that its tenant wants when it is made
  const identify = async (jobId: number): Promise<JobIdentity> => {
    const job = await getJobIdentity(deps.db, jobId);
    if (job === undefined) throw new Error(`Job ${jobId} does not exist`);
    return job;
  };

  return {
    recordEvents: async ({ jobId, events }) => {
      const job = await identify(jobId);
      const { isPaused, heldTasks } = await insertTaskEvents(
        deps.db,
        jobId,
        events.map((event) => buildTaskEvent(job, event)),
      );
      if (isPaused) await haltPausedJob(deps.db, jobId);
      return heldTasks.length === 0 ? undefined : heldTasks;
    },
    finishJob: async ({ events, ...end }) => {
      const job = await identify(end.jobId);
      await finishJob(deps.db, {
        ...end,
        events: events.map((event) => buildTaskEvent(job, event)),
      });
    },
  };
}
