import type { ParseArgsOptionsConfig } from 'node:util';
import type { SecretBox } from '../src/secrets/secret-box.ts';
import type { Db } from '../src/store/db.ts';

/** What a command cannot do, for people; the exit code is 1. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** A command line that cannot be; the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What a command works with. */
export interface CommandContext {
  readonly db: Db;
  readonly secrets: SecretBox;
  /** A secret that is typed without being shown, or piped in; without the line's end. */
  readonly readSecret: (prompt: string) => Promise<string>;
}

/** Options of a command line by name, as `parseArgs` gives them. */
export type OptionValues = Readonly<
  Record<string, string | boolean | readonly (string | boolean)[] | undefined>
>;

/** What a command has to say: for people, and as one JSON value for `--json`. */
export interface CommandResult {
  readonly text: string;
  readonly json: unknown;
}

/** One command of the command line. */
export interface Command {
  readonly name: string;
  /** What follows the name, `<tenant> [--now]`. */
  readonly usage: string;
  readonly summary: string;
  /** More of it for `--help`, one line each. */
  readonly details?: readonly string[];
  readonly options: ParseArgsOptionsConfig;
  /** How many words follow the name: at least and at most. */
  readonly words: readonly [number, number];
  readonly run: (
    context: CommandContext,
    words: readonly string[],
    options: OptionValues,
  ) => Promise<CommandResult>;
}

/** The text of an option, undefined where it is not given. */
export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
