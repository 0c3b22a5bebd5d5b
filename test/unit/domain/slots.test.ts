import fc from 'fast-check';
import { expect, test } from 'vitest';
import { freeSlots } from '../../../src/domain/slots.ts';

test('with 5 slots and 2 reserved, ordinary jobs may use 3 and priority jobs the other 2', () => {
  const settings = { maxJobs: 5, prioritySlots: 2, priorityThreshold: 5 };
  expect(freeSlots(settings, { started: 0, startedOrdinary: 0 })).toEqual({ any: 5, ordinary: 3 });
  expect(freeSlots(settings, { started: 3, startedOrdinary: 3 })).toEqual({ any: 2, ordinary: 0 });
  expect(freeSlots(settings, { started: 4, startedOrdinary: 0 })).toEqual({ any: 1, ordinary: 1 });
});

test('slots given out never exceed max_jobs, however the settings change', () => {
  const count = fc.integer({ min: 0, max: 50 });
  fc.assert(
    fc.property(count, count, count, count, (maxJobs, prioritySlots, started, ordinary) => {
      const free = freeSlots(
        { maxJobs, prioritySlots, priorityThreshold: 5 },
        { started, startedOrdinary: Math.min(started, ordinary) },
      );
      expect(free.any).toBeGreaterThanOrEqual(0);
      expect(free.any).toBeLessThanOrEqual(Math.max(0, maxJobs - started));
      expect(free.ordinary).toBeGreaterThanOrEqual(0);
      expect(free.ordinary).toBeLessThanOrEqual(free.any);
    }),
  );
});
