import { WorkError } from '../../src/domain/failure.ts';
import { codeOf } from '../../src/storage/local-failure.ts';
import { NO_SPACE } from './judge.ts';

/**
 * A task's failure; where it is the system's refusal of a write to a full disk, a WorkError `NoSpace`
 * that says so. What tasks write themselves, and not through storage, goes into scratch.
 */
export function spaceFailure(error: unknown): unknown {
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new WorkError('NoSpace', `${NO_SPACE}: the disk of its scratch files is full (${code})`, {
        cause: error,
      })
    : error;
}
