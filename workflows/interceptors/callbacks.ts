import {
  ContinueAsNew,
  type ActivityInput,
  condition,
  isCancellation,
  type Next,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  type WorkflowExecuteInput,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptors,
  type WorkflowOutboundCallsInterceptor,
  workflowInfo,
} from '@temporalio/workflow';
import { isRecipe } from '../../src/domain/recipes.ts';
import type { TaskEventName } from '../../src/domain/callback.ts';
import { taskActivityId } from '../../src/domain/task-id.ts';
import { TASK_SUMMARIES, type TaskName, taskNameOf } from '../../src/domain/tasks.ts';
import { jobIdOf } from '../../src/temporal/names.ts';
import { resume } from '../messages.ts';
import { STATE_ATTRIBUTE } from './search-attributes.ts';
import { failureReason, toWorkflowFailure } from './failure-reason.ts';
import { Journal } from './journal.ts';
import { Checklist } from './checklist.ts';

/** What a task gives its `complete` callback as message: its result's own `message`, or nothing. */
function resultMessage(result: unknown): string {
  const message = (result as { readonly message?: unknown } | null | undefined)?.message;
  return typeof message === 'string' ? message : '';
}

/**
 * Tells start, complete and fail of every task in the allow-list, and the job's end on success,
 * failure and cancel. Interceptors are workflow code: a change needs `patched()` and a replay test.
 */
class CallbackInterceptor
  implements WorkflowInboundCallsInterceptor, WorkflowOutboundCallsInterceptor
{
  #journal: Journal | undefined;
  #tasks = 0;
  #resumes = 0;
  readonly #checklist = new Checklist();

  async execute(
    input: WorkflowExecuteInput,
    next: Next<WorkflowInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    const { workflowType, workflowId } = workflowInfo();
    const jobId = jobIdOf(workflowId);
    if (jobId === undefined || !isRecipe(workflowType)) return next(input);
    const journal = new Journal(jobId);
    this.#journal = journal;
    setHandler(resume, () => {
      this.#resumes += 1;
    });
    try {
      const result = await next(input);
      upsertSearchAttributes([{ key: STATE_ATTRIBUTE, value: 'completed' }]);
      await journal.finish({ isFailed: false, reason: '', timeMs: Date.now() });
      return result;
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error;
      const state = isCancellation(error) ? 'cancelled' : 'failed';
      upsertSearchAttributes([{ key: STATE_ATTRIBUTE, value: state }]);
      await journal.finish({ isFailed: true, reason: failureReason(error), timeMs: Date.now() });
      throw toWorkflowFailure(error);
    }
  }

  async scheduleActivity(
    input: ActivityInput,
    next: Next<WorkflowOutboundCallsInterceptor, 'scheduleActivity'>,
  ): Promise<unknown> {
    const taskName = taskNameOf(input.activityType);
    const journal = this.#journal;
    if (taskName === undefined || journal === undefined) return next(input);
    this.#tasks += 1;
    const taskNumber = this.#tasks;
    await this.#start(journal, taskNumber, taskName);
    try {
      const activityId = taskActivityId(taskName, taskNumber);
      const summary = input.options.summary ?? TASK_SUMMARIES[taskName];
      const options = { ...input.options, activityId, summary };
      const result = await next({ ...input, options });
      void this.#tell(journal, taskNumber, taskName, 'complete', resultMessage(result));
      return result;
    } catch (error) {
      void this.#tell(journal, taskNumber, taskName, 'fail', failureReason(error));
      throw error;
    }
  }

  /** Tells that a task starts. Where the job is paused it waits, without a slot, to be put back. */
  async #start(journal: Journal, taskNumber: number, taskName: TaskName): Promise<void> {
    for (;;) {
      const resumes = this.#resumes;
      await this.#tell(journal, taskNumber, taskName, 'start', '');
      if (!journal.takeHeld(taskNumber)) return;
      this.#checklist.set(taskNumber, taskName, 'held', 'the job is paused');
      setCurrentDetails(this.#checklist.toMarkdown());
      upsertSearchAttributes([{ key: STATE_ATTRIBUTE, value: 'paused' }]);
      // one that came while the record was under way counts: the job may be put back already
      await condition(() => this.#resumes > resumes);
      upsertSearchAttributes([{ key: STATE_ATTRIBUTE, value: 'started' }]);
    }
  }

  #tell(
    journal: Journal,
    taskNumber: number,
    taskName: TaskName,
    event: TaskEventName,
    message: string,
  ): Promise<void> {
    this.#checklist.set(taskNumber, taskName, event, message);
    setCurrentDetails(this.#checklist.toMarkdown());
    return journal.tell({ taskNumber, taskName, event, message, timeMs: Date.now() });
  }
}

/** Installed into every workflow bundle; one instance for each execution. */
export const interceptors = (): WorkflowInterceptors => {
  const interceptor = new CallbackInterceptor();
  return { inbound: [interceptor], outbound: [interceptor] };
};
