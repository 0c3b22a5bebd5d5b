import type { NewJob } from '../store/jobs.ts';
import { InvalidSubmissionError } from './fault.ts';

/** URLs one job may name, and a tenant for all its jobs. */
const MOST_URLS = 20;

/** A list of URLs that cannot be, for people. */
export class CallbackUrlError extends Error {
  override readonly name = 'CallbackUrlError';
}

/**
 * URLs as they were written, by what they mean, each once. `checkUrl` says why one may not be called.
 * Throws a {@link CallbackUrlError}.
 */
export function selectUrls(
  urls: readonly string[],
  checkUrl: (url: string) => string | undefined,
): Map<string, NewJob['callbackUrls'][number]> {
  const byHref = new Map<string, NewJob['callbackUrls'][number]>();
  for (const url of new Set(urls)) {
    const fault = checkUrl(url);
    if (fault !== undefined) throw new CallbackUrlError(fault);
    const { href, origin } = new URL(url);
    if (href.includes('#')) {
      throw new CallbackUrlError('a URL has a fragment (#…), which no receiver ever gets');
    }
    if (!byHref.has(href)) byHref.set(href, { url, origin });
    if (byHref.size > MOST_URLS) {
      throw new CallbackUrlError(`has more than ${MOST_URLS} different URLs`);
    }
  }
  return byHref;
}

function selectOrRefuse(...given: Parameters<typeof selectUrls>): ReturnType<typeof selectUrls> {
  try {
    return selectUrls(...given);
  } catch (error) {
    if (!(error instanceof CallbackUrlError)) throw error;
    throw new InvalidSubmissionError(`parameters.rest_endpoints: ${error.message}`);
  }
}

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
  const byHref = selectOrRefuse(urls, checkUrl);
  for (const url of tenantUrls) {
    const { href, origin } = new URL(url);
    if (!byHref.has(href)) byHref.set(href, { url, origin });
  }
  return [...byHref.values()];
}
