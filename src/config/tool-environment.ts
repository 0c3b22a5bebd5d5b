/** What programs need to run at all: where things are, and how text and time are written. */
const PASSED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH'];

/** Names of further variables that an operator wants tools to have, separated by commas. */
const FURTHER = 'TOOL_ENVIRONMENT';

/**
 * The environment that a tool gets of a worker's: nothing with a secret in it, since a tool reads files of
 * strangers and an exploited one would read what it was given. `TOOL_ENVIRONMENT` names variables to pass on,
 * those of a driver of the graphics card, say.
 */
export function toolEnvironment(
  environment: NodeJS.ProcessEnv = process.env,
): Readonly<Record<string, string>> {
  const further = (environment[FURTHER] ?? '').split(',').map((name) => name.trim());
  return Object.fromEntries(
    [...PASSED, ...further].flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
