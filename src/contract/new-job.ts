import { WorkError } from '../domain/failure.ts';
import type { FolderClaims } from '../domain/folder-claims.ts';
import { isSubmittable } from '../domain/recipes.ts';
import type { StorageKind } from '../domain/storage-kind.ts';
import type { StorageSide } from '../domain/storage-settings.ts';
import type { NewJob } from '../store/jobs.ts';
import { toCallbackUrls } from './callback-urls.ts';
import { workflowFault } from './catalogue.ts';
import { describeIssue, InvalidSubmissionError } from './fault.ts';
import { buildJobNotes } from './job-notes.ts';
import { type PlaceOf, type RecipeClaims, resolveClaims } from './job-claims.ts';
import { joinObject, sliceMembers } from '../domain/raw-json.ts';
import { RECIPE_CONTRACTS, type RecipeContract, type RecipeUse } from './recipes.ts';
import type { StorageDefaults } from './recipe-input.ts';
import { buildSearchText } from './search-text.ts';
import { toSemaphoreUrl } from './semaphore-url.ts';
import { type JobSection, Submission } from './submission.ts';

/** What a submission is judged with. */
export interface SubmissionContext {
  readonly tenantId: number;
  readonly tenant: string;
  readonly storage: StorageDefaults;
  /** Whether the tenant's storage of a kind is set up. */
  readonly isConfigured: (kind: StorageKind, side: StorageSide) => boolean;
  /** URLs that get the callbacks of every job of the tenant. */
  readonly tenantCallbackUrls: readonly string[];
  /** Why a URL cannot be called, or undefined where it can. */
  readonly checkUrl: (url: string) => string | undefined;
  /** Where the tenant's storages are, once they are known to be configured. */
  readonly placeOf: PlaceOf;
  readonly now: Date;
}

/** A job as it was submitted, and how it is to be kept. */
export interface Submitted extends NewJob {
  /** `job.on_conflict` is `refuse`: it is kept only where no other job uses its folders. */
  readonly isRefusedOnClash: boolean;
}

const DEFAULT_PRIORITY = 5;

const refuse = (message: string): InvalidSubmissionError => new InvalidSubmissionError(message);

/**
 * Judges the text of a submission, valid JSON within the limits, and makes the job of it. Throws an
 * {@link InvalidSubmissionError} for what cannot be, a WorkError where a storage's place cannot be told.
 */
export function toNewJob(text: string, context: SubmissionContext): Submitted {
  const value: unknown = JSON.parse(text);
  const body = Submission.safeParse(value);
  if (!body.success) throw refuse(describeIssue(body.error, value));
  const { job: section, parameters: given } = body.data;
  const contract = contractOf(section);
  const parsed = contract.parameters.safeParse(given);
  if (!parsed.success) throw refuse(describeIssue(parsed.error, given, ['parameters']));
  const parameters = parsed.data;
  const fault = contract.faultOf(parameters);
  if (fault !== undefined) throw refuse(`parameters.${fault}`);

  const members = sliceMembers(text);
  const raw = sliceMembers(members.get('parameters') ?? '{}');
  const semaphoreUrl = semaphoreOf(section, context);
  const isAhead = section.run_at !== undefined && section.run_at > context.now;
  const names = new Set(raw.keys());
  const job: Omit<Submitted, 'claims'> = {
    tenantId: context.tenantId,
    workflow: section.workflow,
    contentId: parameters.content_id ?? null,
    priority: section.priority ?? DEFAULT_PRIORITY,
    state: isAhead || semaphoreUrl !== null ? 'scheduled' : 'queued',
    parameters: joinObject(keepRaw(raw, given, parameters)),
    customData: raw.get('custom_data') ?? null,
    runAt: section.run_at ?? null,
    semaphoreUrl,
    isPersistent: section.persist ?? false,
    searchText: buildSearchText(
      parameters.content_id ?? '',
      inSearchOrder(raw, members.get('job')),
    ),
    callbackUrls: toCallbackUrls(
      parameters.rest_endpoints,
      context.tenantCallbackUrls,
      context.checkUrl,
    ),
    notes: [...buildJobNotes({ section, parameters, names, contract, isAhead, semaphoreUrl })],
    isRefusedOnClash: section.on_conflict === 'refuse',
  };
  const claims = resolveClaims(checkInput(contract, job, context), context.placeOf);
  refuseToClearSources(claims);
  return { ...job, claims };
}

function contractOf(section: JobSection): RecipeContract {
  const fault = workflowFault(section.workflow);
  if (fault !== undefined || !isSubmittable(section.workflow))
    throw refuse(`job.workflow: ${fault}`);
  return RECIPE_CONTRACTS[section.workflow];
}

function semaphoreOf(section: JobSection, context: SubmissionContext): string | null {
  const { semaphore_url: right, sempahore_url: historical } = section;
  if (right !== undefined && historical !== undefined && right !== historical) {
    throw refuse('job.sempahore_url: differs from job.semaphore_url; send one of them');
  }
  const field = right === undefined ? 'sempahore_url' : 'semaphore_url';
  const url = section[field];
  return url === undefined ? null : toSemaphoreUrl(url, `job.${field}`, context.checkUrl);
}

/** Raw text of every parameter; where a lenient value was set right, the right one. */
function* keepRaw(
  raw: ReadonlyMap<string, string>,
  given: Readonly<Record<string, unknown>>,
  parsed: Readonly<Record<string, unknown>>,
): Iterable<readonly [string, string]> {
  for (const [key, text] of raw) {
    const [before, after] = [given[key], parsed[key]];
    const isValue = typeof after === 'boolean' || typeof after === 'number';
    // a time, h:mm:ss, is no number sent as text: it stays as it was written
    const isSetRight = isValue && typeof before === 'string' && !before.includes(':');
    yield [key, isSetRight ? JSON.stringify(after) : text];
  }
}

/** What the client wrote on purpose first: a large `custom_data` must not crowd it out. */
function* inSearchOrder(
  raw: ReadonlyMap<string, string>,
  job: string | undefined,
): Iterable<string> {
  for (const [key, text] of raw) {
    if (key !== 'content_id' && key !== 'custom_data') yield text;
  }
  yield raw.get('custom_data') ?? '';
  yield job ?? '';
}

/**
 * Makes the workflow's input once, so that what it cannot take is refused now and not later. Returns the
 * folders that it will use.
 */
function checkInput(
  contract: RecipeContract,
  job: Omit<NewJob, 'claims'>,
  context: SubmissionContext,
): RecipeClaims {
  let use: RecipeUse;
  try {
    use = contract.uses({ ...job, id: 0, tenant: context.tenant }, context.storage);
  } catch (error) {
    if (error instanceof WorkError) throw refuse(`parameters.${error.message}`);
    throw error;
  }
  for (const { kind, side, field } of use.storages) {
    if (context.isConfigured(kind, side)) continue;
    throw refuse(
      `parameters.${field}: ${kind} is not configured for this client; use one that is, such as local`,
    );
  }
  return use.claims;
}

/** A folder that is emptied may hold more files of the client than this job's sources. */
function refuseToClearSources({ clears, writesTo, readsFrom }: FolderClaims): void {
  if (!clears || !writesTo.some((folder) => readsFrom.includes(folder))) return;
  throw refuse(
    'parameters.empty_target: output_folder is source_folder, where it would delete what is no source of this job; give another output_folder',
  );
}
