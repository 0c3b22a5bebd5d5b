import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';
import { ENGINE_WORKFLOWS, SCHEDULES, SEARCH_ATTRIBUTES, TASK_QUEUES } from './names.ts';

// temporal.api.enums.v1.IndexedValueType
const INDEXED = { [SearchAttributeType.KEYWORD]: 2, [SearchAttributeType.INT]: 3 } as const;

const ATTRIBUTES = {
  [SEARCH_ATTRIBUTES.client]: INDEXED.KEYWORD,
  [SEARCH_ATTRIBUTES.workflow]: INDEXED.KEYWORD,
  [SEARCH_ATTRIBUTES.contentId]: INDEXED.KEYWORD,
  [SEARCH_ATTRIBUTES.state]: INDEXED.KEYWORD,
  [SEARCH_ATTRIBUTES.priority]: INDEXED.INT,
};

/**
 * Creates the engine's search attributes. Adding one again with another type says "ok" and changes
 * nothing, so the types are read back: throws where a namespace holds one of another type.
 */
export async function registerSearchAttributes(client: Client, namespace: string): Promise<void> {
  const { operatorService } = client.connection;
  await operatorService.addSearchAttributes({ namespace, searchAttributes: ATTRIBUTES });
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  for (const [name, type] of Object.entries(ATTRIBUTES)) {
    const found = customAttributes[name];
    if (found !== undefined && found !== type) {
      throw new Error(
        `Search attribute ${name} of namespace ${namespace} has type ${found}, it must be ${type}: remove it or use another namespace`,
      );
    }
  }
}

/** Seconds between two passes of the reconciler. */
const RECONCILE_SECONDS = 30;

/** Creates the engine's schedules where they are missing; one that a person has paused stays paused. */
export async function registerSchedules(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: SCHEDULES.reconcileJobs,
      spec: { intervals: [{ every: `${RECONCILE_SECONDS}s` }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10s' },
      action: {
        type: 'startWorkflow',
        workflowType: ENGINE_WORKFLOWS.reconcileJobs,
        workflowId: SCHEDULES.reconcileJobs,
        taskQueue: TASK_QUEUES.controller,
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
