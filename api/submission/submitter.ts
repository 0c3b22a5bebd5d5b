import type { NewJob } from '../../src/store/jobs.ts';

/** Stores submissions, those that come at once together. */
export interface Submitter {
  /** Resolves with the job's id when it is committed. */
  readonly submit: (job: NewJob) => Promise<number>;
}

/** Statements under way at once; a submission that finds all taken joins the next. */
const AT_ONCE = 2;
/** Jobs of one statement at most: a large one would hold up those behind it. */
const MOST_JOBS = 50;

interface Waiting {
  readonly job: NewJob;
  readonly resolve: (id: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes a {@link Submitter}. A submission that comes alone is stored at once and alone; under load each
 * statement takes what has come meanwhile. Where Postgres refuses what is in one job of several, each is
 * tried by itself, so that no submission fails for another's sake. After any other failure all fail:
 * the statement may have been committed, and trying again could make every job twice.
 */
export function createSubmitter(store: {
  readonly insert: (jobs: readonly NewJob[]) => Promise<readonly number[]>;
  /** Whether a failure proves that nothing was stored. */
  readonly isRefusal: (error: unknown) => boolean;
}): Submitter {
  const queue: Waiting[] = [];
  let underWay = 0;

  const storeBatch = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const ids = await store.insert(batch.map((one) => one.job));
      batch.forEach((one, at) => one.resolve(ids[at] ?? Number.NaN));
    } catch (error) {
      if (batch.length > 1 && store.isRefusal(error)) {
        await Promise.all(batch.map((one) => storeBatch([one])));
      } else {
        for (const one of batch) one.reject(error);
      }
    }
  };

  const pump = async (): Promise<void> => {
    if (underWay >= AT_ONCE) return;
    underWay += 1;
    while (queue.length > 0) await storeBatch(queue.splice(0, MOST_JOBS));
    underWay -= 1;
  };

  return {
    submit: (job) =>
      new Promise((resolve, reject) => {
        queue.push({ job, resolve, reject });
        void pump();
      }),
  };
}
