import { InvalidSubmissionError } from './fault.ts';

/**
 * The URL of a job's semaphore as it was written; `field` is where it stands in the body, `checkUrl` says
 * why one may not be called. Throws an {@link InvalidSubmissionError}.
 */
export function toSemaphoreUrl(
  url: string,
  field: string,
  checkUrl: (url: string) => string | undefined,
): string {
  const fault = checkUrl(url);
  if (fault !== undefined) throw new InvalidSubmissionError(`${field}: ${fault}`);
  if (url.includes('#')) {
    throw new InvalidSubmissionError(
      `${field}: has a fragment (#…), which the semaphore never gets; leave it out`,
    );
  }
  return url;
}
