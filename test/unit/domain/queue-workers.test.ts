import { expect, test } from 'vitest';
import { countWorkers } from '../../../src/domain/queue-workers.ts';

const NOW = 1_000_000;
const polled = (identity: string, secondsAgo: number) => ({
  identity,
  polledAtMs: NOW - secondsAgo * 1000,
});
const telling = (identity: string, working: number, isAlive = true) => ({
  identity,
  working,
  isAlive,
});

test('a worker that asked for work within 70 s counts once, whatever it asked for', () => {
  expect(countWorkers([polled('a', 1), polled('a', 30), polled('b', 69)], [], NOW)).toBe(2);
});

test('a worker that has not asked for 70 s and has nothing in hand does not count', () => {
  expect(countWorkers([polled('a', 71)], [telling('a', 0)], NOW)).toBe(0);
});

test('a worker whose hands are full counts though it does not ask', () => {
  expect(countWorkers([], [telling('a', 4)], NOW)).toBe(1);
});

test('a worker that tells nothing any more does not count, though Temporal lists it', () => {
  expect(countWorkers([polled('a', 5)], [telling('a', 1, false)], NOW)).toBe(0);
});

test('with Temporal down the workers that tell of themselves count', () => {
  expect(countWorkers(undefined, [telling('a', 0), telling('b', 0, false)], NOW)).toBe(1);
});

test('with Postgres down those that Temporal saw count', () => {
  expect(countWorkers([polled('a', 5), polled('b', 100)], undefined, NOW)).toBe(1);
});

test('with both down the number is unknown', () => {
  expect(countWorkers(undefined, undefined, NOW)).toBeNull();
});
