import { findClash, type FolderClaims } from '../../../src/domain/folder-claims.ts';
import { createPicker, type PassedJob, type QueuedJob } from '../../../src/domain/pick-jobs.ts';
import { freeSlots } from '../../../src/domain/slots.ts';
import { between, type Random } from '../../helpers/faults.ts';

type State = 'queued' | 'started' | 'paused' | 'ended';
interface ModelJob {
  readonly id: number;
  readonly priority: number;
  readonly claims: FolderClaims;
  state: State;
  hasRun: boolean;
}

const FOLDERS = ['o', 'o/a', 'o/a/x', 'o/a/y', 'o/a1', 'o/b', 'i/a', 'i'];
const THRESHOLD = 5;

const clash = (one: ModelJob, other: ModelJob): boolean =>
  findClash(one.claims, other.claims) !== undefined;
const isBefore = (one: ModelJob, other: ModelJob): boolean =>
  one.priority < other.priority || (one.priority === other.priority && one.id < other.id);

/** A tenant's queue in memory, admitted by the engine's picker, and judged here by the words of the rule. */
export class QueueModel {
  readonly faults: string[] = [];
  readonly #jobs: ModelJob[] = [];
  readonly #random: Random;
  readonly #settings;

  constructor(random: Random, options: { readonly slots?: number } = {}) {
    this.#random = random;
    const maxJobs = options.slots ?? between(random, 1, 5);
    const prioritySlots = options.slots === undefined ? between(random, 0, maxJobs - 1) : 0;
    this.#settings = { maxJobs, prioritySlots, priorityThreshold: THRESHOLD };
  }

  /** Jobs that have not ended. */
  get open(): number {
    return this.#jobs.filter((job) => job.state !== 'ended').length;
  }

  readonly running = (): readonly number[] => this.#in('started').map((job) => job.id);

  readonly submit = (...all: readonly FolderClaims[]): readonly number[] =>
    all.map((claims) => {
      const id = this.#jobs.length + 1;
      const priority = this.#random() < 0.8 ? THRESHOLD : between(this.#random, 4, 7);
      this.#jobs.push({ id, priority, claims, state: 'queued', hasRun: false });
      return id;
    });

  readonly end = (id: number): void => {
    const job = this.#jobs[id - 1];
    if (job !== undefined) job.state = 'ended';
    this.admit();
  };

  /** Something that may happen, then an admission. */
  step(): void {
    const dice = this.#random();
    const started = this.#oneIn('started');
    if (dice < 0.4) this.submit(this.#newClaims());
    else if (dice < 0.7 && started !== undefined) started.state = 'ended';
    else if (dice < 0.78 && started !== undefined) started.state = 'paused';
    else if (dice < 0.85) this.#move('queued', 'paused');
    else this.#move('paused', 'queued');
    this.admit();
  }

  /** Puts back what is paused and ends what runs until nothing is left, or nothing happens any more. */
  settle(): void {
    for (const job of this.#in('paused')) job.state = 'queued';
    for (this.admit(); this.running().length > 0; this.admit()) {
      for (const job of this.#in('started')) job.state = 'ended';
    }
  }

  admit(): void {
    const queue = this.#in('queued').sort((a, b) => (isBefore(a, b) ? -1 : 1));
    const started = this.#in('started');
    const holders = this.#jobs.filter((job) => job.hasRun && job.state !== 'ended');
    const isIdle = (job: ModelJob): boolean => job.hasRun && job.state !== 'started';
    const isStalled = (job: ModelJob): boolean =>
      holders.some((one) => isIdle(one) && clash(one, job));
    const mayWaitFor = (job: ModelJob): readonly ModelJob[] => [
      ...this.#jobs.filter((one) => one !== job && one.hasRun && one.state !== 'ended'),
      ...queue.filter((one) => !one.hasRun && isBefore(one, job) && !stalled.has(one)),
    ];
    const stalled = new Set(queue.filter(isStalled));
    const picker = createPicker({
      free: freeSlots(this.#settings, {
        started: started.length,
        startedOrdinary: started.filter((job) => job.priority > THRESHOLD).length,
      }),
      priorityThreshold: THRESHOLD,
      holders: holders.map((job) => ({ ...job, isAtWork: !isIdle(job) })),
    });
    const isOpen = queue.every(picker.offer);
    const firsts = picker.admitted.filter((job) => !job.hasRun).map((job) => job.id);
    for (const { id } of picker.admitted) Object.assign(this.#jobs[id - 1] ?? {}, ADMITTED);
    for (const job of firsts.flatMap((id) => this.#jobs[id - 1] ?? [])) {
      const other = mayWaitFor(job).find((one) => clash(one, job));
      if (other !== undefined) this.faults.push(`job ${job.id} went before job ${other.id}`);
    }
    this.#checkPassed(picker.passed, mayWaitFor);
    const waiting = queue.filter((job) => job.state === 'queued');
    if (isOpen && waiting.length !== picker.passed.length) this.faults.push('a slot was wasted');
  }

  /** Whoever is passed over waits for the job that is named, and for nothing else. */
  #checkPassed(
    passed: readonly PassedJob[],
    mayWaitFor: (job: ModelJob) => readonly ModelJob[],
  ): void {
    for (const { jobId, wait } of passed) {
      const job = this.#jobs[jobId - 1];
      const other = job && mayWaitFor(job).find((one) => one.id === wait.jobId);
      if (job === undefined || other === undefined || !clash(other, job)) {
        this.faults.push(`job ${jobId} is said to wait for job ${wait.jobId}`);
      } else if (wait.isAhead === other.hasRun) {
        this.faults.push(`job ${wait.jobId} is said to be ahead or not`);
      }
    }
  }

  #newClaims(): FolderClaims {
    const folders = (most: number): readonly string[] =>
      Array.from({ length: between(this.#random, 0, most) }, () => this.#folder());
    return {
      writesTo: [this.#folder(), ...folders(1)],
      readsFrom: folders(1),
      clears: this.#random() < 0.3,
    };
  }

  #folder(): string {
    return FOLDERS[between(this.#random, 0, FOLDERS.length - 1)] ?? '';
  }

  #in(state: State): ModelJob[] {
    return this.#jobs.filter((job) => job.state === state);
  }

  #oneIn(state: State): ModelJob | undefined {
    const jobs = this.#in(state);
    return jobs[Math.floor(this.#random() * jobs.length)];
  }

  #move(from: State, to: State): void {
    const job = this.#oneIn(from);
    if (job !== undefined) job.state = to;
  }
}

const ADMITTED: Pick<ModelJob & QueuedJob, 'state' | 'hasRun'> = { state: 'started', hasRun: true };
