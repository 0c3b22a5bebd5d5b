import { parseArgs } from 'node:util';
import { TASK_QUEUES, type TaskQueueName } from '../src/temporal/names.ts';

const NAMES = Object.keys(TASK_QUEUES) as TaskQueueName[];

const isQueue = (name: string): name is TaskQueueName => Object.hasOwn(TASK_QUEUES, name);

/** The task queues of `--queues work,callback`; all of them where it is not given. */
export function parseQueues(args: readonly string[]): readonly TaskQueueName[] {
  const { values } = parseArgs({ args: [...args], options: { queues: { type: 'string' } } });
  if (values.queues === undefined) return NAMES;
  const names = values.queues.split(',').map((name) => name.trim());
  const wrong = names.filter((name) => !isQueue(name));
  if (wrong.length > 0) {
    throw new Error(`--queues: no task queue ${wrong.join(', ')}; there are ${NAMES.join(', ')}`);
  }
  return names.filter(isQueue);
}
