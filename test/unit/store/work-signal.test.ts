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

test('what came since the last look ends a wait at once; one that was given up takes no wake away', async () => {
  const signal = createWorkSignal();
  const watch = signal.watch(1);
  watch.look();
  signal.wake([1]);
  expect(await isOver(watch.wait(5000))).toBe(true);
  watch.look();
  void watch.wait(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
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
