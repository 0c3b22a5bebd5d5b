import { expect, test } from 'vitest';
import { describeRefusal, isSemaphoreOpen } from '../../../src/domain/semaphore.ts';

test.each([200, 204, 299, 301, 302, 307, 399])('%i opens', (status) => {
  expect(isSemaphoreOpen(status)).toBe(true);
});

test.each([101, 199, 400, 404, 429, 500, 503, 599, 'none' as const])('%s does not', (answer) => {
  expect(isSemaphoreOpen(answer)).toBe(false);
});

test('a refusal says what was answered, what would be right and when it is asked again', () => {
  expect(describeRefusal(503, 60)).toBe('Semaphore answered 503; looking again every 60 s');
  expect(describeRefusal('none', 5)).toBe(
    'Semaphore gave no answer: it must be at an address allowed for this client and answer within 10 s; looking again every 5 s',
  );
});
