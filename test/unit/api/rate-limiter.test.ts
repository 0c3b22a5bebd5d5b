import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRateLimiter } from '../../../api/limits/rate-limiter.ts';

test('a minute’s number passes at once, then one at a time as the bucket fills', () => {
  let now = 0;
  const limiter = createRateLimiter(60, { nowMs: () => now });
  for (let n = 0; n < 60; n++) expect(limiter.take('a')).toBe(0);
  expect(limiter.take('a')).toBe(1);
  expect(limiter.take('b')).toBe(0);
  now = 1000;
  expect(limiter.waitSeconds('a')).toBe(0);
  expect(limiter.take('a')).toBe(0);
  expect(limiter.take('a')).toBe(1);
});

test('what is refused costs nothing: who waits as told gets in', () => {
  let now = 0;
  const limiter = createRateLimiter(2, { nowMs: () => now });
  limiter.take('a');
  limiter.take('a');
  for (let n = 0; n < 100; n++) expect(limiter.take('a')).toBe(30);
  now = 30_000;
  expect(limiter.take('a')).toBe(0);
});

test('in any window no more pass than a full bucket and what filled meanwhile', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), steps, (perMinute, waits) => {
      let now = 0;
      const limiter = createRateLimiter(perMinute, { nowMs: () => now });
      let passed = 0;
      for (const wait of waits) {
        now += wait;
        if (limiter.take('a') === 0) passed += 1;
        expect(passed).toBeLessThanOrEqual(perMinute + (now * perMinute) / 60_000 + 1e-6);
      }
    }),
  );
});

test('0 limits nothing', () => {
  const limiter = createRateLimiter(0);
  for (let n = 0; n < 1000; n++) expect(limiter.take('a')).toBe(0);
});

test('it knows so many keys and forgets the one that took longest ago', () => {
  const limiter = createRateLimiter(1, { mostKeys: 2, nowMs: () => 0 });
  for (const key of ['a', 'b', 'c']) limiter.take(key);
  expect([limiter.waitSeconds('a'), limiter.waitSeconds('b'), limiter.waitSeconds('c')]).toEqual([
    0, 60, 60,
  ]);
});
