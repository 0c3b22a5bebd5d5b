/**
 * Why work can fail for good, as the `type` of a Temporal ApplicationFailure. Decisions are made on
 * these, never on messages.
 */
export const FAILURE_TYPES = [
  /** The client's input cannot be worked on: nothing to find, a bad path, a bad parameter. */
  'InvalidInput',
  /** A source file is not media, or is damaged or cut short. */
  'InvalidMedia',
  /** A tool ended badly, or produced something other than what it was asked for. */
  'ToolFailed',
  /** Storage refused or lost something. */
  'StorageFailed',
  /** No room for the job's files. */
  'NoSpace',
  /** Another attempt of the same task took over; this one must write nothing. */
  'Superseded',
  /** Real failures used up `retry_limit`. */
  'RetriesExhausted',
] as const;

/** One of {@link FAILURE_TYPES}. */
export type FailureType = (typeof FAILURE_TYPES)[number];

/**
 * A failure of the work itself, thrown below the activities' border and converted there.
 * `isTerminal` says that trying again with the same input cannot help.
 */
export class WorkError extends Error {
  override readonly name = 'WorkError';
  readonly type: FailureType;
  readonly isTerminal: boolean;

  constructor(
    type: FailureType,
    message: string,
    options: { readonly cause?: unknown; readonly isTerminal?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.type = type;
    this.isTerminal = options.isTerminal ?? (type === 'InvalidInput' || type === 'InvalidMedia');
  }
}
