import { z } from 'zod';
import { type JobChange, REQUESTED_STATES, type RequestedState } from '../domain/job-change.ts';
import { JOB_STATES, type JobState } from '../domain/job-state.ts';
import { describeIssue, InvalidSubmissionError, shorten } from './fault.ts';
import { lenientBoolean, lenientInteger, text } from './lenient.ts';
import { Moment } from './moment.ts';

/** A blank text where null may stand: the same as null. */
const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (value === '' ? null : value), schema.nullable()).optional();

const BY_NUMBER = new Map<string, RequestedState>(
  REQUESTED_STATES.map((state) => [String(JOB_STATES[state]), state]),
);

/** A state by its word or, leniently, by its number. */
const requestedState = z
  .union([z.enum(REQUESTED_STATES), z.union([z.int(), z.string()])])
  .transform((given, context) => {
    const state = BY_NUMBER.get(String(given)) ?? REQUESTED_STATES.find((one) => one === given);
    if (state !== undefined) return state;
    context.addIssue({ code: 'custom', message: `must be ${REQUESTED_STATES.join(', ')}` });
    return z.NEVER;
  })
  .meta({ type: 'string', enum: REQUESTED_STATES });

const semaphoreUrl = orNull(z.string({ error: 'must be a URL or null' }));

/** The body of `PATCH /jobs/:id` (contract §5). */
export const JobChangeJson = z
  .strictObject({
    client: text.optional().describe('The client, where the header client is missing'),
    queue_state: requestedState
      .optional()
      .describe('paused; queued puts a paused job back; broken gives a job up'),
    run_at: orNull(Moment).describe('Of a job that has not been started; null for at once'),
    priority: lenientInteger(1, 10).optional().describe('Of a waiting job; 1 first, 10 last'),
    semaphore_url: semaphoreUrl.describe('Of a job that has not been started; null for none'),
    sempahore_url: semaphoreUrl.describe('The historical spelling of semaphore_url'),
    persist: lenientBoolean.optional().describe('Keep the job when old jobs are cleared'),
  })
  .meta({ id: 'JobChange', example: { queue_state: 'paused' } });

const FIELDS = Object.keys(JobChangeJson.shape);
const CHANGEABLE = 'queue_state, run_at, priority, semaphore_url and persist';

const refuse = (message: string): InvalidSubmissionError => new InvalidSubmissionError(message);

/**
 * Judges the body of a change. `checkUrl` says why a URL may not be called. Throws an
 * {@link InvalidSubmissionError} naming the field.
 */
export function toJobChange(
  body: unknown,
  checkUrl: (url: string) => string | undefined,
): JobChange {
  refuseUnknown(body);
  const parsed = JobChangeJson.safeParse(body);
  if (!parsed.success) throw refuse(describeIssue(parsed.error, body));
  const { queue_state: state, run_at: runAt, priority, persist } = parsed.data;
  const url = semaphoreOf(parsed.data);
  const fault = typeof url === 'string' ? checkUrl(url) : undefined;
  if (fault !== undefined) throw refuse(`semaphore_url: ${fault}`);
  const change: JobChange = {
    ...(state === undefined ? {} : { state }),
    ...(runAt === undefined ? {} : { runAt }),
    ...(priority === undefined ? {} : { priority }),
    ...(url === undefined ? {} : { semaphoreUrl: url }),
    ...(persist === undefined ? {} : { isPersistent: persist }),
  };
  if (Object.keys(change).length === 0) throw refuse(`the body: must hold any of ${CHANGEABLE}`);
  return change;
}

/** Everything else of a job is the engine's own: asking for it to be changed is never passed over. */
function refuseUnknown(body: unknown): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw refuse(`the body: must be an object with any of ${CHANGEABLE}`);
  }
  const unknown = Object.keys(body).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw refuse(`${shorten(unknown)}: cannot be changed; ${CHANGEABLE} can`);
  }
}

function semaphoreOf(given: z.infer<typeof JobChangeJson>): string | null | undefined {
  const { semaphore_url: right, sempahore_url: historical } = given;
  if (right !== undefined && historical !== undefined && right !== historical) {
    throw refuse('sempahore_url: differs from semaphore_url; send one of them');
  }
  return right ?? historical ?? (right === null || historical === null ? null : undefined);
}

const NAMES: Readonly<Record<keyof JobChange, string>> = {
  state: 'queue_state',
  runAt: 'run_at',
  priority: 'priority',
  semaphoreUrl: 'semaphore_url',
  isPersistent: 'persist',
};

const show = (value: unknown): string =>
  value instanceof Date ? value.toISOString() : String(value);

/** What was done, for the answer and the job's log: `Performed updates: queue_state paused`. */
export function describeChange(change: JobChange, state: JobState): string {
  const updates = Object.entries(change).map(([key, value]) => {
    const name = NAMES[key as keyof JobChange];
    return `${name} ${key === 'state' ? state : show(value)}`;
  });
  return `Performed updates: ${updates.join(', ')}`;
}
