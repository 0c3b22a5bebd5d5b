import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { nodePiece } from '../../dev/stack/pieces.ts';
import type { BenchServices } from '../services.ts';

/** A script on the bare SDK: one workflow for each job, one awaited activity for each callback. */
export interface BareScript {
  /** Runs `count` jobs, `lanes` at a time, with `pauseMs` between two callbacks of one. */
  readonly run: (
    urls: readonly string[],
    count: number,
    lanes: number,
    pauseMs?: number,
  ) => Promise<void>;
  /** Events in the history of one job. */
  readonly countHistory: () => Promise<number>;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Makes a {@link BareScript} over the default namespace. */
export async function createBareScript(services: BenchServices): Promise<BareScript> {
  const connection = await Connection.connect({ address: services.temporalAddress });
  const client = new Client({ connection });
  let worker: { readonly stop: () => Promise<void> } | undefined;
  let last = 0;
  const stop = async (): Promise<void> => {
    await worker?.stop();
    worker = undefined;
  };
  return {
    run: async (urls, count, lanes, pauseMs = 0) => {
      const end = last + count;
      const lane = async (): Promise<void> => {
        while (last < end) {
          const job = ++last;
          await client.workflow.execute('bareCallbacks', {
            taskQueue: 'bare',
            workflowId: `bare-${job}`,
            args: [job, urls[job % urls.length], pauseMs],
          });
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
    },
    countHistory: async () => (await client.workflow.getHandle('bare-1').describe()).historyLength,
    start: async () => {
      worker = await nodePiece({
        name: 'bare',
        script: 'bench/callbacks/bare-worker.ts',
        variables: { TEMPORAL_ADDRESS: services.temporalAddress },
        logFile: join(services.folder, 'bare.log'),
      }).start();
    },
    stop,
    close: async () => {
      await stop();
      await connection.close();
    },
  };
}
