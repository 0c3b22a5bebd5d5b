import { expect, test } from 'vitest';
import { parseDateBound } from '../../../src/contract/date-bound.ts';

test.each([
  ['2030-01-31', 'from', '2030-01-31T00:00:00.000Z'],
  ['2030-01-31', 'to', '2030-02-01T00:00:00.000Z'],
  ['2030-01-31T18:00', 'to', '2030-01-31T18:00:00.000Z'],
  ['2030-01-31T18:00:01.234', 'from', '2030-01-31T18:00:01.234Z'],
  ['2030-01-31 18:00:01', 'from', '2030-01-31T18:00:01.000Z'],
  ['2030-01-31T18:00:00Z', 'to', '2030-01-31T18:00:00.000Z'],
  ['2030-01-31T18:00:00+02:00', 'to', '2030-01-31T16:00:00.000Z'],
  // an offset whose + was not escaped in a URL
  ['2030-01-31T18:00:00 02:00', 'to', '2030-01-31T16:00:00.000Z'],
  [' 2030-01-31 ', 'to', '2030-02-01T00:00:00.000Z'],
] as const)('%j as %s is %s', (text, bound, expected) => {
  expect(parseDateBound(text, bound)?.toISOString()).toBe(expected);
});

test.each([
  'yesterday',
  '2030-02-30',
  '2030-13-01',
  '31.01.2030',
  '1893456000',
  '2030-01-31T25:00',
  '-1',
])('%j is no date', (text) => {
  expect(parseDateBound(text, 'from')).toBeUndefined();
});
