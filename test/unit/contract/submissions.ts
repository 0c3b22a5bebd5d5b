import { toNewJob, type SubmissionContext } from '../../../src/contract/new-job.ts';
import { assessUrl } from '../../../src/egress/assess-url.ts';
import type { NewJob } from '../../../src/store/jobs.ts';

/** A tenant with local storage, at the start of 2030, that may call public addresses only. */
export const CONTEXT: SubmissionContext = {
  tenantId: 1,
  tenant: 'acme',
  storage: { source: 'local', destination: null },
  isConfigured: (kind) => kind === 'local',
  tenantCallbackUrls: [],
  checkUrl: (url) => assessUrl(url, []),
  placeOf: (kind, side) => ({ kind, volume: '', root: `/${side}/acme` }),
  now: new Date('2030-01-01T00:00:00Z'),
};

/** The text of a submission out of the text of its parts; `more` are parameters besides the needed. */
export const submissionText = (
  more: string | Record<string, unknown> = {},
  job = '{"workflow":"vodstream"}',
): string => {
  const members = (typeof more === 'string' ? more : JSON.stringify(more)).trim().slice(1, -1);
  const needed = '"content_id":"c","source_folder":"s"';
  return `{"job":${job},"parameters":{${members === '' ? needed : `${needed},${members}`}}}`;
};

/** The job of a submission that is accepted. */
export const accept = (...parts: Parameters<typeof submissionText>): NewJob =>
  toNewJob(submissionText(...parts), CONTEXT);
