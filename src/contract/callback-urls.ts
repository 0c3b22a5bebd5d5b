import type { NewJob } from '../store/jobs.ts';
import { InvalidSubmissionError } from './fault.ts';

/** URLs one job may name. */
const MOST_URLS = 20;

const refuse = (why: string): InvalidSubmissionError =>
  new InvalidSubmissionError(`parameters.rest_endpoints: ${why}`);

/**
 * The URLs that a job's callbacks go to, as they were written, one that means the same twice only
 * once: the job's own, then those that the tenant wants for every job, which do not count for the
 * limit. `checkUrl` says why one may not be called. Throws an {@link InvalidSubmissionError}.
 */
export function toCallbackUrls(
  urls: readonly string[],
  tenantUrls: readonly string[],
  checkUrl: (url: string) => string | undefined,
): NewJob['callbackUrls'] {
  const byHref = new Map<string, NewJob['callbackUrls'][number]>();
  for (const url of new Set(urls)) {
    const fault = checkUrl(url);
    if (fault !== undefined) throw refuse(fault);
    const { href, origin } = new URL(url);
    if (href.includes('#')) throw refuse('a URL has a fragment (#…), which no receiver ever gets');
    if (!byHref.has(href)) byHref.set(href, { url, origin });
    if (byHref.size > MOST_URLS) throw refuse(`has more than ${MOST_URLS} different URLs`);
  }
  for (const url of tenantUrls) {
    const { href, origin } = new URL(url);
    if (!byHref.has(href)) byHref.set(href, { url, origin });
  }
  return [...byHref.values()];
}
