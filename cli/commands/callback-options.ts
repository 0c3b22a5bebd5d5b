import { CallbackShape } from '../../src/contract/callback-shape.ts';
import type { CallbackShape as Templates } from '../../src/domain/callback-shape.ts';
import { CallbackUrlError, selectUrls } from '../../src/contract/callback-urls.ts';
import { describeIssue } from '../../src/contract/fault.ts';
import { describeJsonFault } from '../../src/contract/json-fault.ts';
import { assessUrl } from '../../src/egress/assess-url.ts';
import { CliError, UsageError } from '../command.ts';
import { readTextFile } from '../read-file.ts';

/** Templates out of a file; null for the empty path, which takes the contract's bodies again. */
export async function readShape(path: string): Promise<Templates | null> {
  if (path === '') return null;
  const text = await readTextFile(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliError(`${path} is not JSON: ${describeJsonFault(text)}`, { cause: error });
  }
  const parsed = CallbackShape.safeParse(value);
  if (!parsed.success) throw new CliError(`${path}: ${describeIssue(parsed.error, value)}`);
  return parsed.data;
}

/** URLs of a text, separated by spaces or line ends. */
export const splitUrls = (text: string): readonly string[] =>
  text.split(/\s+/).filter((one) => one !== '');

/**
 * Judges URLs as a submission's are judged, and takes one that means the same twice only once. Throws a
 * {@link CliError}.
 */
export function judgeUrls(
  urls: readonly string[],
  allowedNetworks: readonly string[],
): readonly string[] {
  try {
    const known = selectUrls(urls, (url) => assessUrl(url, allowedNetworks));
    return [...known.values()].map(({ url }) => url);
  } catch (error) {
    if (!(error instanceof CallbackUrlError)) throw error;
    throw new CliError(`--urls: ${error.message}`, { cause: error });
  }
}

/** `on` or `off`. */
export function parseSwitch(text: string, option: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new UsageError(`--${option} takes on or off, not ${text}`);
}
