import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
} from '@temporalio/common';
import type { RecipeInput } from '../contract/recipe-input.ts';
import type { Job } from '../store/jobs.ts';
import { jobWorkflowId, RESUME_SIGNAL, SEARCH_ATTRIBUTES, TASK_QUEUES } from './names.ts';

const { KEYWORD, INT } = SearchAttributeType;
const CLIENT = defineSearchAttributeKey(SEARCH_ATTRIBUTES.client, KEYWORD);
const WORKFLOW = defineSearchAttributeKey(SEARCH_ATTRIBUTES.workflow, KEYWORD);
const CONTENT_ID = defineSearchAttributeKey(SEARCH_ATTRIBUTES.contentId, KEYWORD);
const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, KEYWORD);
const PRIORITY = defineSearchAttributeKey(SEARCH_ATTRIBUTES.priority, INT);

/** Visibility stores keep keywords of up to 255 characters. */
const KEYWORD_LENGTH = 255;

/** Temporal has five levels of priority, the contract ten. */
const priorityKey = (priority: number): number => Math.min(5, Math.max(1, Math.ceil(priority / 2)));

/** How a job's one execution is started. */
function startOptions(job: Job, input: RecipeInput) {
  const contentId = job.contentId ?? '';
  return {
    workflowId: jobWorkflowId(job.id),
    taskQueue: TASK_QUEUES.controller,
    args: [input],
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    priority: { priorityKey: priorityKey(job.priority), fairnessKey: job.tenant.slice(0, 64) },
    staticSummary: `job ${job.id} · ${job.tenant} · ${job.workflow}`,
    staticDetails: [
      `- content id: ${contentId}`,
      `- priority: ${job.priority}`,
      `- submitted: ${job.createdAt.toISOString()}`,
      `- log: GET /logs/${job.id}`,
    ].join('\n'),
    typedSearchAttributes: new TypedSearchAttributes([
      { key: CLIENT, value: job.tenant.slice(0, KEYWORD_LENGTH) },
      { key: WORKFLOW, value: job.workflow },
      { key: CONTENT_ID, value: contentId.slice(0, KEYWORD_LENGTH) },
      { key: STATE, value: 'started' },
      { key: PRIORITY, value: job.priority },
    ]),
  } satisfies WorkflowStartOptions;
}

/**
 * Starts the one execution of a job. A job that has one already, running or closed, is left alone:
 * the default reuse policy would start a second run of a closed job.
 */
export async function startJobWorkflow(
  client: Client,
  job: Job,
  input: RecipeInput,
): Promise<void> {
  await unlessStarted(() => client.workflow.start(job.workflow, startOptions(job, input)));
}

/** Tells the execution of a job that it was put back; one that is missing is started. */
export async function resumeJobWorkflow(
  client: Client,
  job: Job,
  input: RecipeInput,
): Promise<void> {
  await unlessStarted(() =>
    client.workflow.signalWithStart(job.workflow, {
      ...startOptions(job, input),
      signal: RESUME_SIGNAL,
      signalArgs: [],
    }),
  );
}

/**
 * Cancels the execution of a job; false where none runs. It is woken afterwards: a clean-up that is held
 * because the job was paused hears of no cancel, and what is held before it must not begin first.
 */
export async function cancelJobWorkflow(client: Client, jobId: number): Promise<boolean> {
  const handle = client.workflow.getHandle(jobWorkflowId(jobId));
  const isRunning = await unlessGone(() => handle.cancel());
  if (isRunning) await unlessGone(() => handle.signal(RESUME_SIGNAL));
  return isRunning;
}

/** False where the execution does not exist or has closed. */
async function unlessGone(tell: () => Promise<unknown>): Promise<boolean> {
  try {
    await tell();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function unlessStarted(start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
