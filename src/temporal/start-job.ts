import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
} from '@temporalio/common';
import type { RecipeInput } from '../contract/recipe-input.ts';
import type { Job } from '../store/jobs.ts';
import { jobWorkflowId, SEARCH_ATTRIBUTES, TASK_QUEUES } from './names.ts';

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

/**
 * Starts the one execution of a job. A job that has one already, running or closed, is left alone:
 * the default reuse policy would start a second run of a closed job.
 */
export async function startJobWorkflow(
  client: Client,
  job: Job,
  input: RecipeInput,
): Promise<void> {
  const contentId = job.contentId ?? '';
  try {
    await client.workflow.start(job.workflow, {
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
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
