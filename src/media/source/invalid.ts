import { WorkError } from '../../domain/failure.ts';

/** A source file that cannot be worked on: its name as the client knows it, and what is wrong with it. */
export const invalid = (name: string, what: string, cause?: unknown): WorkError =>
  new WorkError('InvalidMedia', `${name} ${what}`, cause === undefined ? {} : { cause });
