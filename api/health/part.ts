import type { Finding } from '../../src/contract/health.ts';
import type { Logger } from '../../src/log/logger.ts';
import { describeFault } from './fault.ts';

/** A part of the engine, and how it is asked. */
export interface PartOptions<Input, Value> {
  readonly name: string;
  /** Longest that one caller waits, milliseconds. */
  readonly timeoutMs: number;
  /**
   * For this long an answer serves the next callers, milliseconds; for ten times as long as it took, where
   * that is longer: asking then takes a tenth of one processor at most.
   */
  readonly keepMs: number;
  /** For this long it still serves where a new one does not come in time, milliseconds. Default: not. */
  readonly staleMs?: number;
  /** Inputs with the same key get the same answer. */
  readonly keyOf: (input: Input) => number;
  readonly ask: (input: Input) => Promise<Value>;
  readonly log: Logger;
  readonly nowMs?: () => number;
}

interface Entry<Value> {
  /** The question under way, if any. There is never a second one: a part that hangs is not piled upon. */
  pending?: Promise<Finding<Value>> | undefined;
  last?: { readonly finding: Finding<Value>; readonly sinceMs: number; readonly tookMs: number };
  isFaulty: boolean;
}

const KEEP_FACTOR = 10;

/** Keys whose answers are kept. */
const MOST_KEYS = 1000;

/**
 * Makes a function that asks a part and always answers in time: with what it said, with what it said a
 * moment ago, or with why it could not be asked. A part that stops or starts to answer is logged.
 */
export function createPart<Input, Value>(
  options: PartOptions<Input, Value>,
): (input: Input) => Promise<Finding<Value>> {
  const { log, name, timeoutMs, staleMs = 0, nowMs = () => performance.now() } = options;
  const entries = new Map<number, Entry<Value>>();

  /** Told once at each change. */
  const tell = (entry: Entry<Value>, fault: unknown): void => {
    if (fault !== undefined && !entry.isFaulty)
      log.warn({ part: name, err: fault }, 'part is down');
    if (fault === undefined && entry.isFaulty) log.info({ part: name }, 'part is up again');
    entry.isFaulty = fault !== undefined;
  };

  const ask = async (entry: Entry<Value>, input: Input): Promise<Finding<Value>> => {
    try {
      const value = await options.ask(input);
      tell(entry, undefined);
      return { value };
    } catch (error) {
      tell(entry, error);
      return { fault: describeFault(error) };
    }
  };

  const start = (entry: Entry<Value>, input: Input): Promise<Finding<Value>> => {
    const startedMs = nowMs();
    entry.pending ??= ask(entry, input).then((finding) => {
      entry.pending = undefined;
      entry.last = { finding, sinceMs: nowMs(), tookMs: nowMs() - startedMs };
      return finding;
    });
    return entry.pending;
  };

  /** A fault is looked at again soon, however long it took. */
  const keepMsOf = ({ finding, tookMs }: NonNullable<Entry<Value>['last']>): number =>
    'fault' in finding ? options.keepMs : Math.max(options.keepMs, KEEP_FACTOR * tookMs);

  return async (input) => {
    const key = options.keyOf(input);
    const entry = entries.get(key) ?? { isFaulty: false };
    if (!entries.has(key) && entries.size >= MOST_KEYS) entries.clear();
    entries.set(key, entry);
    const { last } = entry;
    const ageMs = last === undefined ? Number.POSITIVE_INFINITY : nowMs() - last.sinceMs;
    if (last !== undefined && ageMs < keepMsOf(last)) return last.finding;
    const answer = await inTime(start(entry, input), timeoutMs);
    if (answer !== undefined) return answer;
    if (last !== undefined && 'value' in last.finding && ageMs < staleMs) return last.finding;
    const fault = `no answer within ${timeoutMs / 1000} s`;
    tell(entry, new Error(fault));
    return { fault };
  };
}

/** What a promise resolves to, or undefined when that takes longer. */
export async function inTime<Value>(
  work: Promise<Value>,
  timeoutMs: number,
): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
