/**
 * What a job's semaphore answered: the HTTP status, or that there was no answer. Why there was none is
 * told to administrators only: a tenant must not find out with it what listens inside the network.
 */
export type SemaphoreAnswer = number | 'none';

/** Longest a semaphore may take to answer, milliseconds (contract §4). */
export const SEMAPHORE_TIMEOUT_MS = 10_000;

/** Whether the answer lets a job go on: 2xx and 3xx do, a redirect without being followed. */
export const isSemaphoreOpen = (answer: SemaphoreAnswer): boolean =>
  answer !== 'none' && answer >= 200 && answer < 400;

/** What a job's log says of an answer that keeps it waiting. */
export function describeRefusal(answer: SemaphoreAnswer, intervalSeconds: number): string {
  const what =
    answer === 'none'
      ? `Semaphore gave no answer: it must be at an address allowed for this client and answer within ${SEMAPHORE_TIMEOUT_MS / 1000} s`
      : `Semaphore answered ${answer}`;
  return `${what}; looking again every ${intervalSeconds} s`;
}
