import { parseArgs } from 'node:util';
import type { Config } from '../src/config/config.ts';
import { createSecretBox, SecretsKeyError } from '../src/secrets/secret-box.ts';
import { SettingRefusedError } from '../src/store/change-setting.ts';
import { closeDb, createDb } from '../src/store/db.ts';
import { pendingMigrations } from '../src/store/migrate.ts';
import { CliError, type Command, type CommandContext, UsageError } from './command.ts';
import { callbacks } from './commands/callbacks.ts';
import { header } from './commands/header.ts';
import { revoke, rotate, whose } from './commands/keys.ts';
import { reseal } from './commands/reseal.ts';
import { signing } from './commands/signing.ts';
import { audit, cap, settings } from './commands/settings.ts';
import { storage } from './commands/storage.ts';
import { add, disable, enable, list, set } from './commands/tenants.ts';
import { findTarget } from './connect.ts';

const COMMANDS: readonly Command[] = [
  add,
  list,
  set,
  disable,
  enable,
  rotate,
  revoke,
  whose,
  header,
  storage,
  reseal,
  callbacks,
  signing,
  settings,
  cap,
  audit,
];

/** Where a command line reads and writes. */
export interface CliStreams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly readSecret: CommandContext['readSecret'];
}

const NAME = 'npm run tenants --';

function describeAll(): string {
  const width = Math.max(...COMMANDS.map((one) => one.name.length));
  return [
    `Usage: ${NAME} <command> [options]`,
    '',
    'Tenants, their keys and settings, in the database of DATABASE_URL or of the stack that runs (npm start).',
    '',
    ...COMMANDS.map((one) => `  ${one.name.padEnd(width)}  ${one.summary}`),
    '',
    'Every command takes --json (one JSON value on standard output) and --help.',
    'Exit codes: 0 done, 1 not done, 2 a command line that cannot be.',
  ].join('\n');
}

const describeOne = (command: Command): string =>
  [
    `Usage: ${NAME} ${command.name} ${command.usage}`.trimEnd(),
    '',
    `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`,
    ...(command.details === undefined ? [] : ['', ...command.details.map((line) => `  ${line}`)]),
  ].join('\n');

interface Invocation {
  readonly command: Command;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
}

function parse(command: Command, args: readonly string[]): Invocation {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...command.options, json: { type: 'boolean' }, help: { type: 'boolean' } },
      allowPositionals: true,
    });
    const [least, most] = command.words;
    const isCounted = positionals.length >= least && positionals.length <= most;
    if (values['help'] !== true && !isCounted) {
      throw new UsageError(`It takes: ${command.name} ${command.usage}`.trimEnd());
    }
    return { command, words: positionals, options: values };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // what parseArgs says of a command line that cannot be
    throw new UsageError(error.message, { cause: error });
  }
}

async function execute(invocation: Invocation, streams: CliStreams, config: Config): Promise<void> {
  const target = await findTarget(config);
  const db = createDb({
    url: target.databaseUrl,
    poolSize: 2,
    applicationName: 'task-engine-cli',
    onError: () => undefined,
  });
  try {
    const pending = await pendingMigrations(db);
    if (pending.length > 0) {
      throw new CliError(
        `The database lacks ${pending.join(', ')}: start the api of this version first, it brings it up to date`,
      );
    }
    const secrets = createSecretBox(target.secretsKeys);
    const context = { db, secrets, readSecret: streams.readSecret };
    const { command, words, options } = invocation;
    const { text, json } = await command.run(context, words, options);
    streams.out(options['json'] === true ? JSON.stringify(json) : text);
  } finally {
    await closeDb(db);
  }
}

/** Whether an error is for the person at the command line; others are told as they are. */
const isExpected = (error: unknown): error is Error =>
  error instanceof CliError ||
  error instanceof SettingRefusedError ||
  error instanceof SecretsKeyError;

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  // a connection that is refused at several addresses has no message of its own
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(reasonOf).join('; ');
  return error.message;
};

/** Runs a command line and resolves to its exit code: 0 done, 1 not done, 2 one that cannot be. */
export async function runCli(
  argv: readonly string[],
  streams: CliStreams,
  config: Config,
): Promise<0 | 1 | 2> {
  const [name, ...args] = argv;
  if (name === undefined || name === '--help' || name === 'help') {
    (name === undefined ? streams.err : streams.out)(describeAll());
    return name === undefined ? 2 : 0;
  }
  const command = COMMANDS.find((one) => one.name === name);
  try {
    if (command === undefined) throw new UsageError(`There is no command ${name}`);
    const invocation = parse(command, args);
    if (invocation.options['help'] === true) {
      streams.out(describeOne(command));
      return 0;
    }
    await execute(invocation, streams, config);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      streams.err(`${error.message}\nSee ${NAME} ${command?.name ?? ''}`.trimEnd() + ' --help');
      return 2;
    }
    streams.err(isExpected(error) ? error.message : `${name} failed: ${reasonOf(error)}`);
    return 1;
  }
}
