import { isGrpcServiceError } from '@temporalio/client';
import type { RecipeInput } from '../contract/recipe-input.ts';
import { recipeInput } from '../contract/recipes.ts';
import { storageDefaults } from '../contract/storage-defaults.ts';
import { assertNever } from '../domain/assert-never.ts';
import { WorkError } from '../domain/failure.ts';
import type { Logger } from '../log/logger.ts';
import type { Db } from '../store/db.ts';
import { finishJob, GIVEN_UP } from '../store/finish.ts';
import { getJob, type Job } from '../store/jobs.ts';
import { getTenant } from '../store/tenants.ts';
import {
  claimOutbox,
  hasOutbox,
  type OutboxEntry,
  postponeOutbox,
  settleOutbox,
} from '../store/outbox.ts';
import type { TemporalClient } from './client.ts';
import { cancelJobWorkflow, resumeJobWorkflow, startJobWorkflow } from './start-job.ts';

const BATCH = 20;
const CALL_TIMEOUT_MS = 5_000;
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

interface DispatchDeps {
  readonly db: Db;
  readonly temporal: TemporalClient;
  readonly log: Logger;
}

async function dispatch(deps: DispatchDeps, entry: OutboxEntry): Promise<void> {
  const { db, log } = deps;
  try {
    const job = await getJob(db, entry.jobId);
    const isTold = job === undefined || job.endedAt !== null || (await tell(deps, entry, job));
    if (isTold) await settleOutbox(db, entry);
    else await postponeOutbox(db, entry, 'its start is under way', 1);
  } catch (error) {
    const reason = reasonOf(error);
    if (isHopeless(error, entry.attempts)) {
      log.error({ jobId: entry.jobId, err: error }, 'job cannot be started');
      await endAsFailed(db, entry.jobId, `The workflow could not be started: ${reason}`);
      await settleOutbox(db, entry);
      return;
    }
    const delaySeconds = Math.min(entry.attempts, LONGEST_DELAY_SECONDS);
    log.warn(
      { jobId: entry.jobId, kind: entry.kind, reason, delaySeconds },
      'Temporal not told yet',
    );
    await postponeOutbox(db, entry, reason, delaySeconds);
  }
}

/** Tells Temporal; false where it cannot be told yet. */
async function tell(deps: DispatchDeps, entry: OutboxEntry, job: Job): Promise<boolean> {
  const { db, temporal } = deps;
  const { client } = temporal;
  const call = <Result>(work: () => Promise<Result>): Promise<Result> =>
    temporal.withTimeout(CALL_TIMEOUT_MS, work);
  switch (entry.kind) {
    case 'start':
      // given up before its start: the cancel that follows finds no execution and ends the job
      if (job.state === 'broken') return true;
      await call(async () => startJobWorkflow(client, job, await inputOf(db, job)));
      return true;
    case 'resume':
      await call(async () => resumeJobWorkflow(client, job, await inputOf(db, job)));
      return true;
    case 'cancel': {
      if (await call(() => cancelJobWorkflow(client, job.id))) return true;
      // another dispatcher may be starting it at this moment
      if (await hasOutbox(db, job.id, 'start')) return false;
      await endAsFailed(db, job.id, GIVEN_UP);
      return true;
    }
    default:
      return assertNever(entry.kind);
  }
}

async function inputOf(db: Db, job: Job): Promise<RecipeInput> {
  const tenant = await getTenant(db, job.tenant);
  if (tenant === undefined) throw new Error(`Tenant ${job.tenant} does not exist any more`);
  return recipeInput(job, storageDefaults(tenant));
}

async function endAsFailed(db: Db, jobId: number, reason: string): Promise<void> {
  await finishJob(db, { jobId, isFailed: true, reason, timeMs: Date.now(), events: [] });
}
