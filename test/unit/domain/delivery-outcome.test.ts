import { expect, test } from 'vitest';
import { type Attempted, judgeAttempt, judgeFault } from '../../../src/domain/delivery-outcome.ts';

const WAITS = [5, 300, 1800];
const CONTEXT = { nowMs: Date.UTC(2030, 0, 1), random: 0.5 };

const judge = (attempted: Partial<Attempted>, attempts = 0, refusals = 0) =>
  judgeAttempt(
    { status: null, isOurFault: false, retryAfter: null, ...attempted },
    { attempts, refusals },
    WAITS,
    CONTEXT,
  );

test('every status of 200 to 599 is judged: 2xx only is delivered, 3xx is not followed, 410 stops', () => {
  for (let status = 200; status < 600; status++) {
    const { state } = judge({ status });
    expect([status, state]).toEqual([
      status,
      status < 300 ? 'delivered' : status === 410 ? 'stopped' : 'pending',
    ]);
  }
});

test('attempts follow the schedule and end', () => {
  expect([0, 1, 2, 3].map((attempts) => judge({ status: 500 }, attempts).retrySeconds)).toEqual([
    5,
    300,
    1800,
    undefined,
  ]);
  expect(judge({ status: 500 }, 3).state).toBe('exhausted');
  expect(judge({ status: null }, 3).state).toBe('exhausted');
});

test('the third refusal parks the event, whatever came between', () => {
  expect(judge({ status: 422 }, 1, 1).state).toBe('pending');
  expect(judge({ status: 422 }, 2, 2)).toMatchObject({ state: 'parked', retrySeconds: undefined });
});

test.each([408, 409, 425, 429])(
  '%i says nothing against the event and never parks it',
  (status) => {
    expect(judge({ status }, 2, 2)).toMatchObject({ state: 'pending', isRefusal: false });
  },
);

test('a refusal shows that the endpoint is alive; a 5xx and silence that it is not', () => {
  expect(judge({ status: 404 }).isEndpointWell).toBe(true);
  expect(judge({ status: 503 }).isEndpointWell).toBe(false);
  expect(judge({ status: 302 }).isEndpointWell).toBe(false);
  expect(judge({}).isEndpointWell).toBe(false);
});

test('what was prevented here is tried again soon, costs no attempt and says nothing of the endpoint', () => {
  const outcome = judge({ isOurFault: true }, 3, 2);
  expect(outcome).toMatchObject({ state: 'pending', isEndpointWell: undefined, isRefusal: false });
  expect(outcome.retrySeconds).toBe(30);
});

test('Retry-After of 429 and 503 holds the endpoint, ten minutes at most; the event as long as asked', () => {
  expect(judge({ status: 429, retryAfter: '120' })).toMatchObject({
    retrySeconds: 120,
    endpointPauseSeconds: 120,
  });
  expect(judge({ status: 503, retryAfter: '7200' })).toMatchObject({
    retrySeconds: 7200,
    endpointPauseSeconds: 600,
  });
  expect(judge({ status: 500, retryAfter: '7200' })).toMatchObject({
    retrySeconds: 7200,
    endpointPauseSeconds: 0,
  });
});

test('errors of the engine itself are waited out four times, and park the event at the fifth', () => {
  expect([0, 1, 2, 3].map((faults) => judgeFault(faults, 0.5))).toEqual(
    Array(4).fill({
      state: 'pending',
      isRefusal: false,
      retrySeconds: 30,
      isEndpointWell: undefined,
      endpointPauseSeconds: 0,
    }),
  );
  expect(judgeFault(4, 0.5)).toMatchObject({ state: 'parked', retrySeconds: undefined });
});
