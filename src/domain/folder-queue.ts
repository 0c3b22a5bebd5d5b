import { type ClaimClash, describeClash, type FolderClaims, HeldFolders } from './folder-claims.ts';

/** A job that holds its folders: it was started once and has not ended. */
export interface FolderHolder {
  readonly id: number;
  readonly claims: FolderClaims;
  /** It runs, or is being stopped. Not so one that is paused, or was put back and waits for a slot. */
  readonly isAtWork: boolean;
}

/** For whom a job waits, and on which folder. */
export interface FolderWait {
  readonly jobId: number;
  /** That job is still in the queue, too, and goes first; else it holds the folder. */
  readonly isAhead: boolean;
  readonly clash: ClaimClash;
}

/**
 * Who waits for whom for a folder: a job for whoever holds what it claims, and for those ahead of it in
 * the queue that it clashes with, so that nobody is overtaken for ever. One ahead that waits for a holder
 * which is not at work is passed by: nobody knows when its turn will come. There are no circles: holders
 * wait for no folder, the others for holders and for jobs ahead of them alone.
 */
export class FolderQueue {
  readonly #held = new HeldFolders();
  readonly #idle = new HeldFolders();
  readonly #ahead = new HeldFolders();

  constructor(holders: Iterable<FolderHolder>) {
    for (const holder of holders) this.hold(holder);
  }

  hold({ id, claims, isAtWork }: FolderHolder): void {
    this.#held.add(id, claims);
    if (!isAtWork) this.#idle.add(id, claims);
  }

  /** Puts a job behind all that were put here before. */
  queue({ id, claims }: Pick<FolderHolder, 'id' | 'claims'>): void {
    if (this.#idle.find(claims) === undefined) this.#ahead.add(id, claims);
  }

  /** For whom a job waits that would be queued now; undefined for one that waits for nobody. */
  findWait(claims: FolderClaims): FolderWait | undefined {
    const holder = this.#held.find(claims);
    const found = holder ?? this.#ahead.find(claims);
    if (found === undefined) return undefined;
    const { jobId, kind, location } = found;
    return { jobId, isAhead: holder === undefined, clash: { kind, location } };
  }
}

/** What the other job does, to go behind its name: `is ahead in the queue and deletes the folder: S3:…`. */
export const describeWait = ({ isAhead, clash }: FolderWait): string =>
  `${isAhead ? 'is ahead in the queue and ' : ''}${describeClash(clash)}`;
