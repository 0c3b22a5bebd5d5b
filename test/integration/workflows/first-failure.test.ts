import { ApplicationFailure, Context } from '@temporalio/activity';
import { NativeConnection, Worker } from '@temporalio/worker';
import { expect, inject, test } from 'vitest';
import type { JournalActivities } from '../../../activities/journal/contract.ts';
import type { VodstreamInput } from '../../../src/contract/recipe-input.ts';
import { createTemporalClient } from '../../../src/temporal/client.ts';
import { jobWorkflowId, TASK_QUEUES } from '../../../src/temporal/names.ts';
import { registerSearchAttributes } from '../../../src/temporal/register.ts';
import { loadWorkflowBundle } from '../../../worker/bundle.ts';
import { createTestNamespace } from '../../helpers/namespace.ts';

const INPUT: VodstreamInput = {
  jobId: 7,
  tenant: 'acme',
  contentId: 'film',
  sourceStorage: 'local',
  sourceFolder: 'film',
  destinationStorage: 'local',
  outputFolder: 'out',
  asset: 'film',
  deleteSource: false,
  emptyTarget: false,
  createThumbnail: true,
  thumbnailTimeSeconds: 0,
  generateMp4: true,
  mp4Filename: 'film.mp4',
  mezzanine: false,
  allAudioTracks: true,
  retries: 0,
  fileProperties: {},
};

/** A task that is at work until it is cancelled, as a tool is. */
async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 200);
  return context.cancelled.finally(() => clearInterval(beat));
}

const TASKS = {
  fetchSource: async () => ({ message: '' }),
  inspectSource: async () => ({ durationSeconds: 1, message: '' }),
  prepareCaptions: untilCancelled,
  package: untilCancelled,
  createThumbnail: async () => ({ message: '' }),
  generateMp4: async () => {
    throw ApplicationFailure.nonRetryable('No space for this job', 'NoSpace');
  },
  extractMetadata: untilCancelled,
  cleanup: async () => ({ message: '' }),
};

test('a job whose task fails tells that failure, not that others beside it were cancelled for it', async () => {
  const { temporalAddress: address } = inject('services');
  const namespace = await createTestNamespace();
  const temporal = createTemporalClient({ address, namespace });
  await registerSearchAttributes(temporal.client, namespace);
  const connection = await NativeConnection.connect({ address });
  const reasons: string[] = [];
  const journal: JournalActivities = {
    recordEvents: async () => undefined,
    finishJob: async ({ reason }) => void reasons.push(reason),
  };
  const options = { connection, namespace };
  const workers = [
    await Worker.create({
      ...options,
      taskQueue: TASK_QUEUES.controller,
      workflowBundle: await loadWorkflowBundle(),
      activities: journal,
    }),
    await Worker.create({
      ...options,
      taskQueue: TASK_QUEUES.work,
      activities: TASKS,
      // a cancel comes with the answer to a heartbeat
      maxHeartbeatThrottleInterval: '200ms',
    }),
  ];
  const running = Promise.all(workers.map((worker) => worker.run()));
  try {
    const end = temporal.client.workflow.execute('vodstream', {
      taskQueue: TASK_QUEUES.controller,
      workflowId: jobWorkflowId(INPUT.jobId),
      args: [INPUT],
    });
    await expect(end).rejects.toThrow('Workflow execution failed');
  } finally {
    for (const worker of workers) worker.shutdown();
    await running;
    await connection.close();
    await temporal.close();
  }
  expect(reasons).toEqual(['No space for this job']);
});
