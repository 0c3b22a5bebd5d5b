import type { z } from 'zod';
import { WorkError } from '../domain/failure.ts';
import { isRecipe, RECIPES } from '../domain/recipes.ts';
import type { StorageKind } from '../domain/storage-kind.ts';
import { isStorageAvailable } from '../storage/storages.ts';
import type { JobNote, NewJob } from '../store/jobs.ts';
import { joinObject, sliceSubmission } from './raw-json.ts';
import { RECIPE_CONTRACTS, type RecipeContract, recipeInput } from './recipes.ts';
import type { RecipeInput, StorageDefaults } from './recipe-input.ts';
import { buildSearchText } from './search-text.ts';
import { type JobSection, Submission } from './submission.ts';
import type { VodstreamParameters } from './vodstream.ts';

/** A submission cannot be; the message names the field and says what would be right. */
export class InvalidSubmissionError extends Error {
  override readonly name = 'InvalidSubmissionError';
}

/** What a submission is judged with. */
export interface SubmissionContext {
  readonly tenantId: number;
  readonly tenant: string;
  readonly storage: StorageDefaults;
  /** Why a URL cannot be called, or undefined where it can. */
  readonly checkUrl: (url: string) => string | undefined;
  readonly now: Date;
}

/** URLs one job may name. */
const MOST_URLS = 20;
const DEFAULT_PRIORITY = 5;

const refuse = (message: string): InvalidSubmissionError => new InvalidSubmissionError(message);

/** The first fault of a parse, as `parameters.drm: may hold …`. */
export function describeIssue(
  error: z.ZodError,
  value: unknown,
  prefix: readonly string[] = [],
): string {
  const issue = error.issues[0];
  const inner = issue?.path ?? [];
  const path = [...prefix, ...inner].map(String).join('.');
  let found = value;
  for (const key of inner) {
    found = (found as Readonly<Record<PropertyKey, unknown>> | undefined)?.[key];
  }
  const fault = issue?.message ?? 'is wrong';
  return `${path || 'the body'}: ${found === undefined ? `is missing, it ${fault}` : fault}`;
}

/**
 * Judges the text of a submission, valid JSON within the limits, and makes the job of it. Throws an
 * {@link InvalidSubmissionError} for what cannot be.
 */
export function toNewJob(text: string, context: SubmissionContext): NewJob {
  const value: unknown = JSON.parse(text);
  const body = Submission.safeParse(value);
  if (!body.success) throw refuse(describeIssue(body.error, value));
  const { job: section, parameters: given } = body.data;
  if (!isRecipe(section.workflow)) {
    throw refuse(
      `job.workflow: "${section.workflow}" is not available in this version; available: ${RECIPES.join(', ')}`,
    );
  }
  if (section.semaphore_url !== undefined) {
    throw refuse('job.semaphore_url: semaphores are not available in this version');
  }
  const contract = RECIPE_CONTRACTS[section.workflow];
  const parsed = contract.parameters.safeParse(given);
  if (!parsed.success) throw refuse(describeIssue(parsed.error, given, ['parameters']));
  const parameters = parsed.data;
  refuseUnavailable(parameters);

  const raw = sliceSubmission(text).parameters;
  const stored = joinObject(keepRaw(raw, given, parameters));
  const isScheduled = section.run_at !== undefined && section.run_at > context.now;
  const job: NewJob = {
    tenantId: context.tenantId,
    workflow: section.workflow,
    contentId: parameters.content_id,
    priority: section.priority ?? DEFAULT_PRIORITY,
    state: isScheduled ? 'scheduled' : 'queued',
    parameters: stored,
    customData: raw.get('custom_data') ?? null,
    runAt: section.run_at ?? null,
    semaphoreUrl: null,
    isPersistent: section.persist ?? false,
    searchText: buildSearchText([section, given]),
    callbackUrls: toCallbackUrls(parameters.rest_endpoints, context.checkUrl),
    notes: [...toNotes(section, parameters, contract, isScheduled)],
  };
  checkInput(job, context);
  return job;
}

/** What the job's log says first. */
function* toNotes(
  section: z.infer<typeof JobSection>,
  parameters: VodstreamParameters,
  contract: RecipeContract,
  isScheduled: boolean,
): Iterable<JobNote> {
  yield {
    severity: 'INFO',
    message: `Job accepted: ${section.workflow} of ${parameters.content_id}`,
  };
  if (isScheduled) {
    const runAt = section.run_at?.toISOString() ?? '';
    yield { severity: 'INFO', message: `Job will run at: "${runAt}"` };
  }
  for (const name of contract.withoutEffect) {
    if (parameters[name] !== undefined)
      yield { severity: 'WARN', message: `${name} has no effect here` };
  }
  for (const name of contract.notYet) {
    if (parameters[name] === true) {
      yield { severity: 'WARN', message: `${name} has no effect: this version makes none` };
    }
  }
}

/** Refuses what would be published otherwise than asked. */
function refuseUnavailable(parameters: VodstreamParameters): void {
  const protectedBy = parameters.drm.filter((system) => system !== 'clear');
  if (protectedBy.length > 0) {
    throw refuse(
      `parameters.drm: ${protectedBy.join(', ')} not available in this version; only clear is, and publishing clear content instead would be wrong`,
    );
  }
  if (parameters.encode_source) {
    throw refuse(
      'parameters.encode_source: not available in this version; send encoded renditions',
    );
  }
}

/** Raw text of every parameter; where a lenient value was set right, the right one. */
function* keepRaw(
  raw: ReadonlyMap<string, string>,
  given: Readonly<Record<string, unknown>>,
  parsed: Readonly<Record<string, unknown>>,
): Iterable<readonly [string, string]> {
  for (const [key, text] of raw) {
    const [before, after] = [given[key], parsed[key]];
    const isSetRight =
      typeof before === 'string' && (typeof after === 'boolean' || typeof after === 'number');
    // a time stays as it was written
    yield [key, isSetRight && key !== 'thumbnail_time' ? JSON.stringify(after) : text];
  }
}

function toCallbackUrls(
  urls: readonly string[],
  checkUrl: (url: string) => string | undefined,
): NewJob['callbackUrls'] {
  const unique = [...new Set(urls)];
  if (unique.length > MOST_URLS) {
    throw refuse(`parameters.rest_endpoints: has ${unique.length} URLs; ${MOST_URLS} at most`);
  }
  return unique.map((url) => {
    const fault = checkUrl(url);
    if (fault !== undefined) throw refuse(`parameters.rest_endpoints: ${fault}`);
    return { url, origin: new URL(url).origin };
  });
}

/** Makes the workflow's input once, so that what it cannot take is refused now and not later. */
function checkInput(job: NewJob, context: SubmissionContext): void {
  let input: RecipeInput;
  try {
    input = recipeInput({ ...job, id: 0, tenant: context.tenant }, context.storage);
  } catch (error) {
    if (error instanceof WorkError) throw refuse(`parameters.${error.message}`);
    throw error;
  }
  const check = (kind: StorageKind, field: string): void => {
    if (isStorageAvailable(kind)) return;
    throw refuse(`parameters.${field}: ${kind} is not configured on this server; use local`);
  };
  if (input.sourceStorage !== undefined) check(input.sourceStorage, 'source_storage');
  if (input.destinationStorage !== undefined)
    check(input.destinationStorage, 'destination_storage');
}
