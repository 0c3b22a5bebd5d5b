import { expect, test } from 'vitest';
import {
  nextWaitSeconds,
  parseRetryAfter,
  parseRetryWaits,
  RETRY_WAITS_SECONDS,
} from '../../../src/domain/retry-schedule.ts';

const NOW = Date.UTC(2030, 0, 1);

test('waits grow, are spread by 20 % and end', () => {
  expect(nextWaitSeconds(RETRY_WAITS_SECONDS, 1, 0.5, undefined)).toBeCloseTo(5);
  expect(nextWaitSeconds([100], 1, 0, undefined)).toBeCloseTo(80);
  expect(nextWaitSeconds([100], 1, 1, undefined)).toBeCloseTo(120);
  expect(nextWaitSeconds([100], 2, 0.5, undefined)).toBeUndefined();
  expect([...RETRY_WAITS_SECONDS].sort((a, b) => a - b)).toEqual(RETRY_WAITS_SECONDS);
});

test('an answer that asks for more time gets it', () => {
  expect(nextWaitSeconds([1], 1, 0.5, 300)).toBe(300);
});

test.each([
  ['0', 1],
  ['5', 5],
  ['1000000000', 86_400],
  ['Tue, 01 Jan 2030 00:01:00 GMT', 60],
  ['Mon, 31 Dec 2029 00:00:00 GMT', 1],
  ['-1', undefined],
  ['abc', undefined],
  [null, undefined],
])('Retry-After %j is %j seconds', (value, seconds) => {
  expect(parseRetryAfter(value, NOW)).toBe(seconds);
});

test.each([
  ['5,300, 1800', [5, 300, 1800]],
  ['60', [60]],
  ['', undefined],
  ['5,,7', undefined],
  ['0', undefined],
  ['5,604801', undefined],
  ['1.5', undefined],
  [Array(31).fill('1').join(','), undefined],
])('the schedule %j is %j', (text, waits) => {
  expect(parseRetryWaits(text)).toEqual(waits);
});
