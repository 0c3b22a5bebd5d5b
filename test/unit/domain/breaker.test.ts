import { expect, test } from 'vitest';
import { type Breaker, nextBreaker } from '../../../src/domain/breaker.ts';

const CLOSED: Breaker = { failures: 0, probeSeconds: 0 };
const after = (outcomes: readonly (boolean | undefined)[]): Breaker =>
  outcomes.reduce((breaker: Breaker, isWell) => nextBreaker(breaker, isWell), CLOSED);
const failures = (count: number): readonly boolean[] => Array(count).fill(false);

test('it opens at ten failures in a row and not at nine', () => {
  expect(after(failures(9))).toEqual({ failures: 9, probeSeconds: 0 });
  expect(after(failures(10))).toEqual({ failures: 10, probeSeconds: 30 });
  expect(after([...failures(9), true, ...failures(9)]).probeSeconds).toBe(0);
});

test('probes come further apart, up to ten minutes', () => {
  expect([10, 11, 12, 13, 14, 15, 20].map((n) => after(failures(n)).probeSeconds)).toEqual([
    30, 60, 120, 240, 480, 600, 600,
  ]);
});

test('an answer closes it; what nobody knows changes nothing', () => {
  expect(after([...failures(12), true])).toEqual(CLOSED);
  expect(after([...failures(12), undefined])).toEqual(after(failures(12)));
});
