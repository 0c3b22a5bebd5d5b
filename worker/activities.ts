import { Context } from '@temporalio/activity';
import { drainEndpoint } from '../activities/callbacks/drain-endpoint.ts';
import { createTaskActivities } from '../activities/index.ts';
import { createJournal } from '../activities/journal/journal.ts';
import { createReconcile } from '../activities/reconcile/reconcile.ts';
import { clearJobs } from '../activities/schedule/clear-jobs.ts';
import { createPurgeFormers } from '../activities/schedule/purge-formers.ts';
import { queueScheduledJobs } from '../activities/schedule/queue-scheduled-jobs.ts';
import { sweepStorage } from '../activities/schedule/sweep-storage.ts';
import { createSweepUploads } from '../activities/schedule/sweep-uploads.ts';
import { RETRY_WAITS_SECONDS } from '../src/domain/retry-schedule.ts';
import type { Egress } from '../src/egress/egress.ts';
import type { Probe } from '../src/egress/probe.ts';
import type { Logger } from '../src/log/logger.ts';
import { createSecretBox } from '../src/secrets/secret-box.ts';
import { createFindPlace } from '../src/storage/find-place.ts';
import { createStorages } from '../src/storage/storages.ts';
import type { Db } from '../src/store/db.ts';
import { getJobSettings } from '../src/store/settings.ts';
import { getTenantStorage } from '../src/store/tenant-storages.ts';
import { getTenant } from '../src/store/tenants.ts';
import type { WorkSignal } from '../src/store/work-signal.ts';
import type { TemporalClient } from '../src/temporal/client.ts';
import { describeJobExecution } from '../src/temporal/describe-execution.ts';
import { SCHEDULES } from '../src/temporal/names.ts';
import { runScheduleNow, syncScheduleInterval } from '../src/temporal/schedules.ts';
import { createDeletion } from './deletion.ts';
import { createPublication } from './publication.ts';
import { createRestoration } from './restoration.ts';
import type { Scratch } from './scratch.ts';
import { createUploads } from './uploads.ts';
import type { Activities } from './workers.ts';

/** What the activities of a worker process are made of. */
export interface ActivityParts {
  readonly db: Db;
  readonly log: Logger;
  readonly temporal: TemporalClient;
  readonly egress: Egress;
  readonly probe: Probe;
  /** Woken when deliveries are added. */
  readonly deliveries: WorkSignal;
  readonly workRoot: string;
  readonly scratch: Pick<Scratch, 'watch' | 'reserve'>;
  readonly localInputRoot: string;
  readonly localOutputRoot: string;
  /** Seconds to wait after each failed attempt of a callback. */
  readonly retryWaitsSeconds?: readonly number[];
  /** Keys that open what is kept sealed. Default none. */
  readonly secretsKeys?: readonly Buffer[];
}

/** Puts the activities of all task queues together. */
export function createActivities(parts: ActivityParts): Activities {
  const { db, log } = parts;
  const journal = createJournal({ db });
  const reconcile = createReconcile({
    db,
    journal,
    log,
    describeExecution: (jobId) => describeJobExecution(parts.temporal, jobId),
  });
  const syncInterval = async (): Promise<void> => {
    try {
      await syncScheduleInterval({ db, temporal: parts.temporal });
    } catch (error) {
      // the next pass tries again; nothing waits for it
      log.warn({ err: error }, 'interval of the scheduled jobs not brought up to date');
    }
  };
  const sweepNow = async (): Promise<void> => {
    try {
      await runScheduleNow(parts.temporal, SCHEDULES.sweepStorage);
    } catch (error) {
      log.warn({ err: error }, 'sweep of the storages not started; its own tick will');
    }
  };
  const secrets = createSecretBox(parts.secretsKeys ?? []);
  const drainDeps = {
    db,
    log,
    egress: parts.egress,
    secrets,
    retryWaitsSeconds: parts.retryWaitsSeconds ?? RETRY_WAITS_SECONDS,
    watch: parts.deliveries.watch,
  };
  const files = {
    storages: createStorages({
      localInputRoot: parts.localInputRoot,
      localOutputRoot: parts.localOutputRoot,
      getRoots: (tenant) => getTenant(db, tenant),
      getRemote: (tenant, kind, side) => getTenantStorage(db, tenant, kind, side),
      secrets,
    }),
    publication: createPublication({ db }),
    uploads: createUploads({ db, log }),
    deletion: createDeletion({ db, findPlace: createFindPlace({ ...parts, secrets }) }),
    restoration: createRestoration({ db }),
    retryDelaySeconds: async (jobId: number) => (await getJobSettings(db, jobId)).retryDelaySeconds,
  };
  /** What the schedule `sweep_storage` runs, by the names that its result and the log tell. */
  const sweeps = {
    uploads: createSweepUploads(files),
    formers: createPurgeFormers({ db, log, ...files }),
  };
  return {
    journal,
    tasks: createTaskActivities({ db, log, workRoot: parts.workRoot, ...parts.scratch, ...files }),
    callbacks: {
      drainEndpoint: (input) => {
        const context = Context.current();
        return drainEndpoint(drainDeps, input, {
          signal: context.cancellationSignal,
          heartbeat: (details) => context.heartbeat(details),
        });
      },
    },
    scheduler: {
      reconcile: async (pass) => {
        const done = await reconcile(() => {
          pass.signal.throwIfAborted();
          pass.heartbeat({});
        });
        // nothing of a job may be left ten seconds after its end, and these had no clean-up of their own
        if (done.ended > 0) await sweepNow();
        await syncInterval();
        return done;
      },
      queueScheduledJobs: (pass) => queueScheduledJobs({ db, log, probe: parts.probe }, pass),
      clearJobs: (pass) => clearJobs({ db, log }, pass),
      sweepStorage: (pass) => sweepStorage({ log, sweeps }, pass),
    },
  };
}
