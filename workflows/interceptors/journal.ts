import { CancellationScope, proxyLocalActivities } from '@temporalio/workflow';
import type { JournalActivities, TaskEvent } from '../../activities/journal/contract.ts';

// quick: one Postgres transaction. Tried until Postgres is back: a job must not outrun its callbacks.
// Past the threshold the wait is a timer of the workflow, not an open workflow task.
const { recordEvents, finishJob } = proxyLocalActivities<JournalActivities>({
  startToCloseTimeout: '10s',
  localRetryThreshold: '10s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/**
 * How many turns of the microtask queue a record waits for company. When a task ends, the recipe's
 * next step runs within the same activation, a few turns later; its start then shares the record of
 * the end: one Postgres transaction and one history event for both. Order never depends on this.
 */
const TURNS = 50;

/**
 * The events of one job on their way into the store: written in the order in which they were told,
 * one record at a time, never given up by a cancel.
 */
export class Journal {
  readonly #jobId: number;
  #waiting: TaskEvent[] = [];
  readonly #held = new Set<number>();
  #pump: Promise<void> | undefined;
  #isClosing = false;

  constructor(jobId: number) {
    this.#jobId = jobId;
  }

  /** Adds an event; resolves when it, and all before it, are in the store. */
  tell(event: TaskEvent): Promise<void> {
    this.#waiting.push(event);
    this.#pump ??= CancellationScope.nonCancellable(() => this.#drain());
    return this.#pump;
  }

  /** Whether the start of a task, told before, was held because the job is paused; says so once. */
  takeHeld(taskNumber: number): boolean {
    return this.#held.delete(taskNumber);
  }

  /** Ends the job, together with what is still waiting to be told. */
  async finish(end: {
    readonly isFailed: boolean;
    readonly reason: string;
    readonly timeMs: number;
  }): Promise<void> {
    this.#isClosing = true;
    await CancellationScope.nonCancellable(async () => {
      await this.#pump;
      await finishJob({ jobId: this.#jobId, ...end, events: this.#take() });
    });
  }

  async #drain(): Promise<void> {
    try {
      for (let turn = 0; turn < TURNS; turn++) await Promise.resolve();
      while (this.#waiting.length > 0 && !this.#isClosing) {
        const held = await recordEvents({ jobId: this.#jobId, events: this.#take() });
        for (const taskNumber of held ?? []) this.#held.add(taskNumber);
      }
    } finally {
      this.#pump = undefined;
    }
  }

  #take(): readonly TaskEvent[] {
    const events = this.#waiting;
    this.#waiting = [];
    return events;
  }
}
