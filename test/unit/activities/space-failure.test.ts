import { expect, test } from 'vitest';
import { spaceFailure } from '../../../activities/space/space-failure.ts';

const systemError = (code: string): Error => Object.assign(new Error(`${code}: write`), { code });

test.each(['ENOSPC', 'EDQUOT'])(
  'a write that the disk refused with %s is told as no space, and tried again',
  (code) => {
    const cause = systemError(code);
    expect(spaceFailure(cause)).toMatchObject({
      type: 'NoSpace',
      isTerminal: false,
      message: `No space for this job: the disk of its scratch files is full (${code})`,
      cause,
    });
  },
);

test('every other failure stays what it is', () => {
  for (const error of [systemError('EACCES'), new Error('no code'), 'a text']) {
    expect(spaceFailure(error)).toBe(error);
  }
});
