import { Context } from '@temporalio/activity';
import type { ReconcileActivities } from '../activities/reconcile/contract.ts';
import type { ScheduleActivities } from '../activities/schedule/contract.ts';
import type { Pass } from '../activities/schedule/pass.ts';

type AllActivities = ReconcileActivities & ScheduleActivities;

/** What the schedules run, each given its run. */
export type SchedulerPasses = {
  readonly [Name in keyof AllActivities]: (pass: Pass) => ReturnType<AllActivities[Name]>;
};

/** The activities of task queue `scheduler`. */
export function schedulerActivities(passes: SchedulerPasses): AllActivities {
  const pass = (): Pass => {
    const context = Context.current();
    return {
      signal: context.cancellationSignal,
      heartbeat: (details) => context.heartbeat(details),
    };
  };
  return {
    reconcile: () => passes.reconcile(pass()),
    queueScheduledJobs: () => passes.queueScheduledJobs(pass()),
    clearJobs: () => passes.clearJobs(pass()),
    sweepStorage: () => passes.sweepStorage(pass()),
  };
}
