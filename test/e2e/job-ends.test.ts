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

async function startJob(contentId: string): Promise<number> {
  const jobId = await engine.submit({
    content_id: contentId,
    source_folder: 'clip',
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
