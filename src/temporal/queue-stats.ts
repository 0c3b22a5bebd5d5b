import type { TemporalClient } from './client.ts';
import { TASK_QUEUES, type TaskQueueName } from './names.ts';

/** Who asked Temporal for work of a queue, and when it last did. */
export interface Poller {
  readonly identity: string;
  /** Milliseconds since 1970 UTC. */
  readonly polledAtMs: number;
}

/** What Temporal knows of a task queue. */
export interface QueueStats {
  readonly pollers: readonly Poller[];
  /** Tasks that wait for a worker, about. */
  readonly pending: number;
}

// temporal.api.enums.v1.TaskQueueType: 1 workflows, 2 activities
const TYPES = [1, 2] as const;

async function readQueue(temporal: TemporalClient, queue: TaskQueueName): Promise<QueueStats> {
  const { client } = temporal;
  const answers = await Promise.all(
    TYPES.map((taskQueueType) =>
      client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: TASK_QUEUES[queue] },
        taskQueueType,
        reportStats: true,
      }),
    ),
  );
  return {
    pollers: answers.flatMap(({ pollers }) =>
      (pollers ?? []).map(({ identity, lastAccessTime }) => ({
        identity: identity ?? '',
        polledAtMs: Number(lastAccessTime?.seconds ?? 0) * 1000,
      })),
    ),
    pending: answers.reduce(
      (sum, { stats }) => sum + Number(stats?.approximateBacklogCount ?? 0),
      0,
    ),
  };
}

/**
 * Reads every task queue of the engine. Rejects where Temporal, or the namespace, cannot be asked within
 * `timeoutMs`; a queue that nobody has used yet is an empty one.
 */
export function readQueueStats(
  temporal: TemporalClient,
  timeoutMs: number,
): Promise<Readonly<Record<TaskQueueName, QueueStats>>> {
  const { client } = temporal;
  return temporal.withTimeout(timeoutMs, async () => {
    const names = Object.keys(TASK_QUEUES) as TaskQueueName[];
    const [queues] = await Promise.all([
      Promise.all(names.map(async (name) => [name, await readQueue(temporal, name)] as const)),
      // reads Temporal's own database, which the queues do not
      client.workflowService.describeNamespace({ namespace: client.options.namespace }),
    ]);
    return Object.fromEntries(queues) as Record<TaskQueueName, QueueStats>;
  });
}
