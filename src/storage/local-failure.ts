import { WorkError } from '../domain/failure.ts';

/** The system's code of a file system error, `ENOENT`; undefined where it has none. */
export const codeOf = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | undefined)?.code;

/** Whether an error means that something is not there. */
export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

/** A file system error as a failure of the work: no space, or a refusal of the storage. */
export function storageFailure(error: unknown, doing: string): Error {
  if (error instanceof WorkError) return error;
  const code = codeOf(error);
  if (code === undefined) return error instanceof Error ? error : new Error(String(error));
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new WorkError('NoSpace', `No space left while ${doing}`, { cause: error });
  }
  return new WorkError('StorageFailed', `The storage refused ${doing} (${code})`, { cause: error });
}

/** A link where a file or folder should be. Links are never followed below a tenant's root. */
export const linkRefusal = (key: string): WorkError =>
  new WorkError(
    'InvalidInput',
    `${key} is a symbolic link, or leads through one; storage follows none, put the file itself there`,
  );
