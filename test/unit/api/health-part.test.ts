import { expect, test } from 'vitest';
import { describeFault, PartFault } from '../../../api/health/fault.ts';
import { createPart } from '../../../api/health/part.ts';
import { createLogger } from '../../../src/log/logger.ts';

const log = createLogger({ name: 'test', level: 'silent', format: 'json' });

/** A part whose answers the test gives, on a clock that the test sets. */
function createScene(options: { readonly staleMs?: number } = {}) {
  const questions: { answer: (value: string) => void; fail: (error: unknown) => void }[] = [];
  let nowMs = 0;
  const ask = createPart<number, string>({
    name: 'part',
    timeoutMs: 20,
    keepMs: 1000,
    keyOf: (key) => key,
    ask: () =>
      new Promise((answer, fail) => {
        questions.push({ answer, fail });
      }),
    log,
    nowMs: () => nowMs,
    ...options,
  });
  return {
    ask: (key = 1) => ask(key),
    questions,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('all that ask at once get the answer to one question', async () => {
  const { ask, questions } = createScene();
  const answers = [ask(), ask(), ask()];
  questions[0]?.answer('fine');
  expect(await Promise.all(answers)).toEqual(Array(3).fill({ value: 'fine' }));
  expect(questions).toHaveLength(1);
});

test('an answer serves those that ask within its time, then the part is asked again', async () => {
  const { ask, questions, pass } = createScene();
  const first = ask();
  questions[0]?.answer('old');
  await first;
  pass(999);
  expect(await ask()).toEqual({ value: 'old' });
  pass(2);
  const next = ask();
  questions[1]?.answer('new');
  expect(await next).toEqual({ value: 'new' });
});

test('an answer that took long is kept ten times as long, a fault is not', async () => {
  const { ask, questions, pass } = createScene();
  const slow = ask();
  pass(500);
  questions[0]?.answer('slow');
  await slow;
  pass(4999);
  expect(await ask()).toEqual({ value: 'slow' });
  pass(2);
  const next = ask();
  pass(500);
  questions[1]?.fail(new Error());
  expect(await next).toEqual({ fault: 'cannot be asked' });
  pass(1001);
  void ask();
  expect(questions).toHaveLength(3);
});

test('answers to one key are not told to another', async () => {
  const { ask, questions } = createScene();
  const both = [ask(1), ask(2)];
  questions[0]?.answer('of 1');
  questions[1]?.answer('of 2');
  expect(await Promise.all(both)).toEqual([{ value: 'of 1' }, { value: 'of 2' }]);
});

test('a part that hangs is a fault for each who asks, and is asked once only', async () => {
  const { ask, questions } = createScene();
  expect(await ask()).toEqual({ fault: 'no answer within 0.02 s' });
  expect(await ask()).toEqual({ fault: 'no answer within 0.02 s' });
  expect(questions).toHaveLength(1);
});

test('what comes late serves the next one who asks', async () => {
  const { ask, questions } = createScene();
  await ask();
  questions[0]?.answer('late');
  expect(await ask()).toEqual({ value: 'late' });
});

test('a former answer stands in for one that takes too long, for as long as it may', async () => {
  const { ask, questions, pass } = createScene({ staleMs: 60_000 });
  const first = ask();
  questions[0]?.answer('old');
  await first;
  pass(30_000);
  expect(await ask()).toEqual({ value: 'old' });
  pass(31_000);
  expect(await ask()).toEqual({ fault: 'no answer within 0.02 s' });
});

test.each([
  [
    Object.assign(new Error('connect ECONNREFUSED db:5432'), { code: 'ECONNREFUSED' }),
    'ECONNREFUSED',
  ],
  [Object.assign(new Error('the database system is starting up'), { code: '57P03' }), '57P03'],
  [Object.assign(new Error('14 UNAVAILABLE: temporal:7233'), { code: 14 }), 'UNAVAILABLE'],
  [Object.assign(new Error('?'), { code: 99 }), 'gRPC status 99'],
])('a fault is told by its code, without hosts or messages: %s', (error, code) => {
  expect(describeFault(error)).toBe(`cannot be asked (${code})`);
});

test('a fault without a code tells nothing else, one in our own words tells them', () => {
  expect(describeFault(new Error('password of engine@db'))).toBe('cannot be asked');
  expect(describeFault(undefined)).toBe('cannot be asked');
  expect(describeFault(new PartFault('input: the root does not exist'))).toBe(
    'input: the root does not exist',
  );
});
