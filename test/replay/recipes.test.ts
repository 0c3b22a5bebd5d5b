import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import product from '../../package.json' with { type: 'json' };
import { jobWorkflowId } from '../../src/temporal/names.ts';
import { buildWorkflowBundle, loadWorkflowBundle } from '../../worker/bundle.ts';
import { makeLanguageFolder } from '../helpers/clips.ts';
import { TestEngine, until } from '../helpers/engine.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const HISTORIES = join(import.meta.dirname, 'histories');

/** A history as it may be kept: no path of the machine that recorded it. */
const withoutPaths = (text: string): string =>
  text
    .replaceAll(`file://${ROOT}/`, '')
    .replaceAll(`${ROOT}/`, '')
    .replaceAll(engine.folder, '/data');

/** `<recipe>-<case>` of every history that this version records. */
const NAMES = [
  'vodstream-full',
  'vodstream-plain',
  'vodstream-failed',
  'vodstream-paused',
  'vodstream-broken',
  'voddelete-full',
  'voddelete-failed',
  'asset_delete-full',
  'undo_publish-full',
];

let engine: TestEngine;
let connection: Connection;
/** Name → history as JSON, recorded by this version. */
const recorded = new Map<string, string>();

async function change(jobId: number, queueState: string): Promise<void> {
  const body = JSON.stringify({ queue_state: queueState });
  const response = await engine.request(`/jobs/${jobId}`, { method: 'PATCH', body });
  expect(response.status).toBe(200);
}

/** A job that was paused before its first task and waits there. */
async function submitHalted(contentId: string): Promise<number> {
  await engine.worker?.stop();
  const jobId = await engine.submit({
    content_id: contentId,
    source_folder: 'movie',
    output_folder: contentId,
  });
  const isStarted = async () => (await engine.job(jobId)).queue_state === 'started' || undefined;
  await until(isStarted, 30, 'admission');
  await change(jobId, 'paused');
  await engine.startWorker();
  const isHalted = async () =>
    (await (await engine.request(`/logs/${jobId}`)).text()).includes('"Paused: ') || undefined;
  await until(isHalted, 60, 'the job to halt');
  return jobId;
}

beforeAll(async () => {
  engine = await TestEngine.create();
  connection = await Connection.connect({ address: inject('services').temporalAddress });
  const client = new Client({ connection, namespace: engine.namespace });
  await makeLanguageFolder(await engine.sourceFolder('movie'), 4);
  const cases = {
    full: {
      source_folder: 'movie',
      output_folder: 'full',
      generate_mp4: true,
      delete_source: false,
    },
    plain: { source_folder: 'movie', output_folder: 'plain', create_thumbnail: false },
    failed: { source_folder: 'nothing' },
  };
  const keep = async (name: string, jobId: number, recipe = 'vodstream'): Promise<void> => {
    await engine.untilEnded(jobId);
    const handle = client.workflow.getHandle(jobWorkflowId(jobId));
    await handle.result().catch(() => undefined);
    recorded.set(`${recipe}-${name}`, withoutPaths(historyToJSON(await handle.fetchHistory())));
  };
  for (const [name, parameters] of Object.entries(cases)) {
    await keep(name, await engine.submit({ content_id: name, ...parameters }));
  }
  for (const [name, next] of [
    ['paused', 'queued'],
    ['broken', 'broken'],
  ] as const) {
    const jobId = await submitHalted(name);
    await change(jobId, next);
    await keep(name, jobId);
  }
  const submitAs = (workflow: string, parameters: Record<string, unknown>): Promise<number> =>
    engine.submit(parameters, { workflow });
  const twice = { content_id: 'twice', source_folder: 'movie', create_thumbnail: false };
  await engine.untilEnded(await engine.submit(twice));
  const undone = await engine.submit(twice);
  await engine.untilEnded(undone);
  const answer = await engine.request(`/jobs/${undone}/undo`, { method: 'POST' });
  await keep('full', ((await answer.json()) as { job_id: number }).job_id, 'undo_publish');
  const files = ['full/full.mp4', 'full/none.mp4'];
  await keep('full', await submitAs('asset_delete', { content_id: 'x', files }), 'asset_delete');
  await keep('full', await submitAs('voddelete', { folder: 'full' }), 'voddelete');
  await keep('failed', await submitAs('voddelete', { folder: 'nothing' }), 'voddelete');
  // a new version keeps what it recorded first, for all later versions to replay
  await mkdir(HISTORIES, { recursive: true });
  for (const [name, text] of recorded) {
    const [recipe, kind] = name.split('-');
    await writeFile(join(HISTORIES, `${recipe}-${product.version}-${kind}.json`), text, {
      flag: 'wx',
    }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
});

afterAll(async () => {
  await connection?.close();
  await engine?.stop();
});

const replay = (code: string, history: string, workflowId: string): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle: { code } }, JSON.parse(history), workflowId);

test('every history recorded by this and earlier versions replays', async () => {
  const { code } = await loadWorkflowBundle();
  const files = await readdir(HISTORIES);
  expect(files.length).toBeGreaterThanOrEqual(NAMES.length);
  for (const file of files) {
    await replay(code, await readFile(join(HISTORIES, file), 'utf8'), 'job-1');
  }
});

test('every recorded case is one that is replayed', () => {
  expect([...recorded.keys()].sort()).toEqual([...NAMES].sort());
});

test.each(NAMES)('the history of a %s job, just recorded, replays', async (name) => {
  const { code } = await loadWorkflowBundle();
  await replay(code, recorded.get(name) ?? '', 'job-1');
});

test('a reordered task makes the replay fail', async () => {
  // inside the project, where its packages are found, and outside node_modules, where nothing is compiled
  const scratch = join(ROOT, 'dist');
  await mkdir(scratch, { recursive: true });
  const tree = await mkdtemp(join(scratch, 'reordered-'));
  try {
    for (const folder of ['workflows', 'src']) {
      await cp(join(ROOT, folder), join(tree, folder), { recursive: true });
    }
    await cp(join(ROOT, 'package.json'), join(tree, 'package.json'));
    const file = join(tree, 'workflows', 'vodstream.ts');
    const text = await readFile(file, 'utf8');
    const steps = ['() => prepareCaptions({ jobId }),', '() => tasks.package({ jobId }),'] as const;
    const [first, second] = steps;
    const swapped = text.replace(first, '%').replace(second, first).replace('%', second);
    expect(swapped).not.toBe(text);
    await writeFile(file, swapped);
    const { code } = await buildWorkflowBundle(tree);
    await expect(replay(code, recorded.get('vodstream-full') ?? '', 'job-1')).rejects.toThrow(
      DeterminismViolationError,
    );
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
});
