import { join } from 'node:path';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { Agent, request } from 'undici';
import { readConfig } from '../../src/config/config.ts';
import { NOOP_TASKS } from '../noop-tasks.ts';
import type { BareActivities } from '../workflows/bare.ts';

// The worker of a script that awaits one activity for each callback, with nothing kept of it.

Runtime.install({ logger: new DefaultLogger('ERROR') });
const { temporalAddress: address = '', temporalNamespace: namespace } = readConfig();
const dispatcher = new Agent({ connections: 64 });
const post = async (url: string, body: string): Promise<void> => {
  const headers = { 'content-type': 'application/json' };
  const answer = await request(url, { method: 'POST', body, headers, dispatcher });
  await answer.body.dump();
  if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}`);
};
const activities: BareActivities = { ...NOOP_TASKS, callback: () => Promise.resolve(), post };
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  namespace,
  taskQueue: 'bare',
  workflowsPath: join(import.meta.dirname, '..', 'workflows', 'bare.ts'),
  activities: { ...activities },
});
process.once('SIGTERM', () => process.exit(0));
process.send?.({ type: 'ready' });
await worker.run();
