import { readFile } from 'node:fs/promises';
import { CliError } from './command.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'There is no file',
  EISDIR: 'This is a folder, not a file:',
  EACCES: 'This file may not be read:',
};

/** Largest file read, bytes. */
const MOST_BYTES = 1024 * 1024;

/** The text of a file that a command line names. Throws a {@link CliError} that says why it cannot be read. */
export async function readTextFile(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new CliError(`${REASONS[code] ?? `Not readable (${code}):`} ${path}`, { cause: error });
  }
  if (bytes.length > MOST_BYTES) throw new CliError(`${path} has more than ${MOST_BYTES} bytes`);
  return bytes.toString('utf8');
}
