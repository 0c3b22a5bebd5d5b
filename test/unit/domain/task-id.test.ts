import { expect, test } from 'vitest';
import { taskActivityId, taskId, taskNumberOf } from '../../../src/domain/task-id.ts';

test('task ids are the job id times 1000 plus the task number', () => {
  expect(taskId(42, 1)).toBe(42_001);
  expect(taskId(42, 999)).toBe(42_999);
});

test("a task number that would be another job's is refused", () => {
  expect(() => taskId(42, 0)).toThrow(RangeError);
  expect(() => taskId(42, 1000)).toThrow(RangeError);
});

test('the task number is found again in the activity id', () => {
  expect(taskNumberOf(taskActivityId('fetch_source', 12))).toBe(12);
  expect(taskNumberOf('drainEndpoint')).toBeUndefined();
});
