import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { jobWorkflowId } from '../../src/temporal/names.ts';
import { CallbackSink, orderFaults } from '../helpers/callback-sink.ts';
import { makeClip } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';

let engine: TestEngine;
let sink: CallbackSink;
let client: Client;

beforeAll(async () => {
  engine = await TestEngine.create({ isStarted: false });
  sink = await new CallbackSink().start();
  client = new Client({
    connection: await Connection.connect({ address: inject('services').temporalAddress }),
    namespace: engine.namespace,
  });
  await engine.startApi();
  await makeClip(`${await engine.sourceFolder('clip')}/clip.mp4`, 2);
});

// nobody works on media, so that a job stays in its first task until the test is done with it
beforeEach(async () => {
  await engine.worker?.stop();
  await engine.startWorker('controller,callback,scheduler');
});

afterAll(async () => {
  await client?.connection.close();
  await sink?.close();
  await engine?.stop();
});

async function startJob(contentId: string, sourceFolder = 'clip'): Promise<number> {
  const jobId = await engine.submit({
    content_id: contentId,
    source_folder: sourceFolder,
    output_folder: `out/${contentId}`,
    rest_endpoints: [sink.url()],
  });
  await until(
    async () => sink.delivered(jobId).length > 0 || undefined,
    30,
    'the first task to start',
  );
  return jobId;
}

async function expectFailedEnd(jobId: number, reason: RegExp): Promise<void> {
  const job = await engine.untilEnded(jobId, 90);
  expect(job).toMatchObject({ queue_state: 'completed', failed: true });
  expect(job['message']).toMatch(reason);
  await until(async () => sink.hasEnd(jobId) || undefined, 30, 'the job end');
  const bodies = sink.delivered(jobId);
  expect(orderFaults(bodies)).toEqual([]);
  expect(bodies.filter((body) => body['status'] !== undefined)).toHaveLength(1);
  expect(bodies.at(-1)).toMatchObject({ status: 'failed', message: job['message'] });
}

test('a job cancelled in Temporal ends as failed, its open task first, its scratch cleaned', async () => {
  const jobId = await startJob('cancelled');
  await client.workflow.getHandle(jobWorkflowId(jobId)).cancel();
  await engine.worker?.stop();
  await engine.startWorker();
  await expectFailedEnd(jobId, /cancelled/);
});

test('a job whose workflow was terminated is ended by the reconciler, and its slot goes on', async () => {
  const jobId = await startJob('terminated');
  await client.workflow.getHandle(jobWorkflowId(jobId)).terminate('by the test');
  await expectFailedEnd(jobId, /workflow was terminated before it could end the job/);
});

/** Starts a job's execution again from its first workflow task, whatever state it is in; the new run's id. */
async function resetJob(jobId: number): Promise<string> {
  const handle = client.workflow.getHandle(jobWorkflowId(jobId));
  const { runId } = await handle.describe();
  const { events } = await client.workflow.getHandle(jobWorkflowId(jobId), runId).fetchHistory();
  const first = events?.find(
    ({ workflowTaskCompletedEventAttributes: completed }) => (completed ?? null) !== null,
  );
  const eventId = first?.eventId ?? null;
  if (eventId === null) throw new Error('no workflow task was completed');
  const reset = await client.workflowService.resetWorkflowExecution({
    namespace: engine.namespace,
    workflowExecution: { workflowId: jobWorkflowId(jobId), runId },
    workflowTaskFinishEventId: eventId,
    requestId: randomUUID(),
    reason: 'by the test',
  });
  return reset.runId;
}

/** Exactly one job end, last, at the receiver and in the store. */
async function expectOneEnd(jobId: number, status: 'completed' | 'failed'): Promise<void> {
  await until(async () => sink.hasEnd(jobId) || undefined, 60, 'the job end');
  const bodies = sink.delivered(jobId);
  expect(orderFaults(bodies)).toEqual([]);
  expect(bodies.flatMap((body) => body['status'] ?? [])).toEqual([status]);
  const ids = sink.requests
    .filter((one) => one.body['job_id'] === jobId)
    .map((one) => one.headers['webhook-id']);
  expect(new Set(ids).size).toBe(ids.length);
  const { events } = (await (await engine.request(`/jobs/${jobId}/callbacks`)).json()) as {
    readonly events: readonly { readonly id: string }[];
  };
  expect(events.map((event) => event.id)).toEqual(ids);
}

/** Waits until an execution has closed, in whatever way. */
async function untilClosed(jobId: number, runId: string): Promise<void> {
  const handle = client.workflow.getHandle(jobWorkflowId(jobId), runId);
  await handle.result().catch(() => undefined);
}

test('a job that completes has one end; reset afterwards it runs again and tells nothing anew', async () => {
  const jobId = await startJob('complete');
  await engine.worker?.stop();
  await engine.startWorker();
  expect(await engine.untilEnded(jobId)).toMatchObject({ queue_state: 'completed', failed: false });
  await expectOneEnd(jobId, 'completed');
  await untilClosed(jobId, await resetJob(jobId));
  await expectOneEnd(jobId, 'completed');
  expect(await engine.job(jobId)).toMatchObject({ queue_state: 'completed', failed: false });
});

test('a job that fails has one end, after the end of the task that failed; reset too', async () => {
  const folder = await engine.sourceFolder('empty');
  await writeFile(`${folder}/movie.mp4`, '');
  const jobId = await startJob('fail', 'empty');
  await engine.worker?.stop();
  await engine.startWorker();
  await expectFailedEnd(jobId, /movie\.mp4 is empty/);
  await expectOneEnd(jobId, 'failed');
  await untilClosed(jobId, await resetJob(jobId));
  await expectOneEnd(jobId, 'failed');
});

test('a job that is reset while it runs goes on in its new execution and has one end', async () => {
  const jobId = await startJob('reset');
  const runId = await resetJob(jobId);
  await engine.worker?.stop();
  await engine.startWorker();
  expect(await engine.untilEnded(jobId)).toMatchObject({ queue_state: 'completed', failed: false });
  await untilClosed(jobId, runId);
  await expectOneEnd(jobId, 'completed');
});
