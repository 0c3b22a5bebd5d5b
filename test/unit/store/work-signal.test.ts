import { expect, test } from 'vitest';
import { parseEndpointIds } from '../../../src/store/listen.ts';
import { createWorkSignal } from '../../../src/store/work-signal.ts';

/** Whether a wait is over by now, once what was resolved has been heard of. */
async function isOver(wait: Promise<void>): Promise<boolean> {
  let isDone = false;
  void wait.then(() => {
    isDone = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return isDone;
}

test('who watches an endpoint that is named is woken, and nobody else', async () => {
  const signal = createWorkSignal();
  const [one, two] = [signal.watch(1), signal.watch(2)];
  const waits = [one.wait(5000), two.wait(5000)];
  signal.wake([1, 7]);
  expect(await Promise.all(waits.map(isOver))).toEqual([true, false]);
  signal.wake(undefined);
  expect(await Promise.all(waits.map(isOver))).toEqual([true, true]);
});

test('what came between two waits ends the next one at once, and that one only', async () => {
  const signal = createWorkSignal();
  const watch = signal.watch(1);
  signal.wake([1]);
  expect(await isOver(watch.wait(5000))).toBe(true);
  const next = watch.wait(5000);
  expect(await isOver(next)).toBe(false);
  watch.close();
  expect(await isOver(next)).toBe(true);
});

test('a wait ends by itself', async () => {
  await createWorkSignal().watch(1).wait(1);
});

test('a notification names endpoints, or none: then any may have work', () => {
  expect(parseEndpointIds('17,42')).toEqual([17, 42]);
  expect(parseEndpointIds('')).toBeUndefined();
});
