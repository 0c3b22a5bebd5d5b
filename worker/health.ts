import { hostname } from 'node:os';
import { readConfig } from '../src/config/config.ts';
import { createTemporalClient } from '../src/temporal/client.ts';
import { TASK_QUEUES } from '../src/temporal/names.ts';

// `node worker/health.ts` for a container's health check: exit code 0 while a worker of this host polls
// one of the task queues. A worker that hangs stops polling, though its process lives on.

const POLLED_WITHIN_MS = 120_000;
const CALL_TIMEOUT_MS = 4000;

const config = readConfig();
const temporal = createTemporalClient({
  address: config.temporalAddress ?? `127.0.0.1:${config.temporalPort}`,
  namespace: config.temporalNamespace,
});

/** Whether a worker of this host has asked for work of a queue lately. */
async function isPolled(queue: string, taskQueueType: number): Promise<boolean> {
  const { pollers } = await temporal.withTimeout(CALL_TIMEOUT_MS, () =>
    temporal.client.workflowService.describeTaskQueue({
      namespace: config.temporalNamespace,
      taskQueue: { name: queue },
      taskQueueType,
    }),
  );
  return (pollers ?? []).some(({ identity, lastAccessTime }) => {
    const polledAtMs = Number(lastAccessTime?.seconds ?? 0) * 1000;
    const isOurs = identity?.startsWith(`${hostname()}/`) === true;
    return isOurs && Date.now() - polledAtMs < POLLED_WITHIN_MS;
  });
}

// temporal.api.enums.v1.TaskQueueType: 1 workflows, 2 activities
const TYPES = [1, 2] as const;
try {
  const answers = await Promise.all(
    Object.values(TASK_QUEUES).flatMap((queue) => TYPES.map((type) => isPolled(queue, type))),
  );
  process.exitCode = answers.some(Boolean) ? 0 : 1;
} finally {
  await temporal.close();
}
