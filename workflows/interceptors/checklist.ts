import type { TaskEventName } from '../../src/domain/callback.ts';

const MARKS: Readonly<Record<TaskEventName | 'held', string>> = {
  start: '▶',
  complete: '✔',
  fail: '✖',
  held: '⏸',
};

/** The tasks of a job as a list for the Web UI's current details; costs no history event. */
export class Checklist {
  readonly #lines = new Map<number, string>();

  /** Says what was last told of a task; `held`: it waits because the job is paused. */
  set(taskNumber: number, taskName: string, event: TaskEventName | 'held', message: string): void {
    const tail = message === '' ? '' : `: ${message}`;
    this.#lines.set(taskNumber, `${MARKS[event]} ${taskName}${tail}`);
  }

  /** One task a line, in the order in which they were scheduled. */
  toMarkdown(): string {
    return [...this.#lines.values()].map((line) => `- ${line}`).join('\n');
  }
}
