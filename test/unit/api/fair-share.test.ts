import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createFairShare } from '../../../api/limits/fair-share.ts';

const PATIENT = 60_000;

test('so many of a tenant are in at once, the others follow in the order they came', async () => {
  const share = createFairShare({ atOnce: 3, longestMs: PATIENT });
  const order: number[] = [];
  let underWay = 0;
  let most = 0;
  const request = async (n: number): Promise<void> => {
    const leave = await share.enter(1);
    order.push(n);
    underWay += 1;
    most = Math.max(most, underWay);
    for (let pauses = 0; pauses < (n * 7) % 5; pauses++) await turn();
    underWay -= 1;
    leave?.();
  };
  await Promise.all(Array.from({ length: 200 }, (_, n) => request(n)));
  expect(order).toEqual(Array.from({ length: 200 }, (_, n) => n));
  expect(most).toBe(3);
});

test('a tenant does not wait for another', async () => {
  const share = createFairShare({ atOnce: 1, longestMs: PATIENT });
  await share.enter(1);
  expect(await share.enter(2)).toBeTypeOf('function');
});

test('who waits too long is told, and costs no place', async () => {
  const share = createFairShare({ atOnce: 1, longestMs: 1 });
  const leave = await share.enter(1);
  expect(await Promise.all([share.enter(1), share.enter(1)])).toEqual([undefined, undefined]);
  leave?.();
  const next = await share.enter(1);
  expect(next).toBeTypeOf('function');
  expect(await share.enter(1)).toBeUndefined();
});
