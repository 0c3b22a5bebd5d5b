import { expect, test } from 'vitest';
import { isNewEnough } from '../../../dev/setup/temporal.ts';

test.each([
  ['1.29.0', true],
  ['1.29.1', true],
  ['1.30.2', true],
  ['2.0.0', true],
  ['1.9.12', false],
  ['1.28.9', false],
  ['0.31.0', false],
])('a Temporal server %s is new enough: %s', (version, isEnough) => {
  expect(isNewEnough(version, '1.29')).toBe(isEnough);
});
