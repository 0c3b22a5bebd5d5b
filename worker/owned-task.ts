import type { Task } from '../activities/task.ts';
import { WorkError } from '../src/domain/failure.ts';
import { type Db, pingDb } from '../src/store/db.ts';
import { isTaskOwner, lockOwnedTask } from '../src/store/tasks.ts';

/**
 * Locks a task's row until the transaction ends. Throws a WorkError `Superseded` unless it still belongs
 * to this attempt: a worker that was frozen and woke up changes nothing.
 */
export async function requireOwner(transaction: Db, task: Task): Promise<void> {
  if (await lockOwnedTask(transaction, task)) return;
  throw new WorkError('Superseded', 'Another attempt of this task took over; nothing was changed');
}

/** A transaction that says nothing for a minute is ended by Postgres; copying a long film takes longer. */
const SIGN_OF_LIFE_MS = 10_000;

/** Runs `work` and keeps a transaction alive meanwhile; `check` throws where its connection was lost. */
export async function keepAlive(
  transaction: Db,
  work: (check: () => void) => Promise<void>,
): Promise<void> {
  let lost: Error | undefined;
  const timer = setInterval(() => {
    pingDb(transaction).catch((error: unknown) => {
      lost ??= error instanceof Error ? error : new Error(String(error));
    });
  }, SIGN_OF_LIFE_MS);
  try {
    await work(() => {
      if (lost !== undefined) throw lost;
    });
  } finally {
    clearInterval(timer);
  }
}

/**
 * Throws a WorkError `Superseded` unless a task still belongs to this attempt and its job was not given up.
 */
export async function requireWanted(transaction: Db, task: Task): Promise<void> {
  if (await isTaskOwner(transaction, task)) return;
  throw new WorkError(
    'Superseded',
    'Another attempt of this task took over, or its job was given up',
  );
}

/**
 * Runs `work`, which calls `proveOwner` before each change, while the transaction holds the task's row.
 * `require` is what `proveOwner` asks for.
 */
export const whileHeld = (
  transaction: Db,
  task: Task,
  work: (proveOwner: () => Promise<void>) => Promise<void>,
  require: (transaction: Db, task: Task) => Promise<void> = requireOwner,
): Promise<void> =>
  keepAlive(transaction, (check) =>
    work(async () => {
      check();
      await require(transaction, task);
    }),
  );
