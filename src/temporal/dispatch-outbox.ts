import { isGrpcServiceError } from '@temporalio/client';
import { recipeInput } from '../contract/recipes.ts';
import { storageDefaults } from '../contract/storage-defaults.ts';
import { WorkError } from '../domain/failure.ts';
import type { Logger } from '../log/logger.ts';
import type { Db } from '../store/db.ts';
import { finishJob } from '../store/finish.ts';
import { getJob } from '../store/jobs.ts';
import { getTenant } from '../store/tenants.ts';
import { claimOutbox, type OutboxEntry, postponeOutbox, settleOutbox } from '../store/outbox.ts';
import type { TemporalClient } from './client.ts';
import { startJobWorkflow } from './start-job.ts';

const BATCH = 20;
const CALL_TIMEOUT_MS = 10_000;
const LONGEST_DELAY_SECONDS = 5;

// grpc status codes: what Temporal will refuse tomorrow too
const HOPELESS = new Set([3 /* INVALID_ARGUMENT */, 12 /* UNIMPLEMENTED */]);

const reasonOf = (error: unknown): string =>
  error instanceof Error ? `${error.message}${grpcDetails(error)}` : String(error);

const grpcDetails = (error: Error): string =>
  isGrpcServiceError(error.cause) ? `: ${error.cause.details}` : '';

/**
 * A refusal counts only after this many tries: a server that has just been set up refuses search
 * attributes that it has not heard of yet.
 */
const REFUSALS = 20;

function isHopeless(error: unknown, attempts: number): boolean {
  if (error instanceof WorkError) return error.isTerminal;
  if (attempts < REFUSALS) return false;
  const cause = error instanceof Error ? error.cause : undefined;
  return isGrpcServiceError(cause) && HOPELESS.has(cause.code);
}

/**
 * Tells Temporal what waits in the outbox; true where more may be waiting. An entry whose call fails
 * stays and is tried again; one that Temporal will never take ends its job as failed.
 */
export async function dispatchOutbox(deps: {
  readonly db: Db;
  readonly temporal: TemporalClient;
  readonly log: Logger;
}): Promise<boolean> {
  const entries = await claimOutbox(deps.db, BATCH);
  await Promise.all(entries.map((entry) => dispatch(deps, entry)));
  return entries.length === BATCH;
}

async function dispatch(
  deps: { readonly db: Db; readonly temporal: TemporalClient; readonly log: Logger },
  entry: OutboxEntry,
): Promise<void> {
  const { db, temporal, log } = deps;
  try {
    const job = await getJob(db, entry.jobId);
    if (job !== undefined && job.endedAt === null) {
      const tenant = await getTenant(db, job.tenant);
      if (tenant === undefined)
        throw new WorkError('InvalidInput', `Tenant ${job.tenant} is disabled`);
      const input = recipeInput(job, storageDefaults(tenant));
      await temporal.withTimeout(CALL_TIMEOUT_MS, () =>
        startJobWorkflow(temporal.client, job, input),
      );
    }
    await settleOutbox(db, entry);
  } catch (error) {
    const reason = reasonOf(error);
    if (isHopeless(error, entry.attempts)) {
      log.error({ jobId: entry.jobId, err: error }, 'job cannot be started');
      await finishJob(db, {
        jobId: entry.jobId,
        isFailed: true,
        reason: `The workflow could not be started: ${reason}`,
        timeMs: Date.now(),
        events: [],
      });
      await settleOutbox(db, entry);
      return;
    }
    const delaySeconds = Math.min(entry.attempts, LONGEST_DELAY_SECONDS);
    log.warn({ jobId: entry.jobId, reason, delaySeconds }, 'job not started yet');
    await postponeOutbox(db, entry, reason, delaySeconds);
  }
}
