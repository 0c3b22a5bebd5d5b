import type { Task } from '../task.ts';

/**
 * Adds up what several transfers at once have moved. Gives, for each file, the function that its
 * transfer tells its bytes to; the task's progress is that of all of them.
 */
export function createTransferProgress(
  task: Task,
  doing: 'fetching' | 'publishing',
  totalBytes: number,
): (name: string) => (doneBytes: number) => void {
  const doneByFile = new Map<string, number>();
  let sumBytes = 0;
  return (name) => (doneBytes) => {
    sumBytes += doneBytes - (doneByFile.get(name) ?? 0);
    doneByFile.set(name, doneBytes);
    task.progress({
      step: `${doing} ${name}`,
      doneBytes: sumBytes,
      doneRatio: totalBytes === 0 ? 1 : Math.min(1, sumBytes / totalBytes),
    });
  };
}
