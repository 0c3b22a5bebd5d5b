import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { ExecutionState } from '../../../activities/reconcile/reconcile.ts';
import { jobIdOf } from '../../../src/temporal/names.ts';
import type { TemporalClient } from '../../../src/temporal/client.ts';
import { type FaultSwitch, InjectedFault, type Random } from '../../helpers/faults.ts';

/** One execution as a Temporal server keeps it. */
export interface Execution {
  readonly jobId: number;
  isRunning: boolean;
  /** Executions ever started under this workflow id. */
  runs: number;
  isCancelled: boolean;
  resumes: number;
  /** `resumes` at the time its next task was held; undefined while it is not held. */
  heldAt: number | undefined;
  /** Journal calls that it has behind it. */
  step: number;
}

interface StartOptions {
  readonly workflowId: string;
  readonly workflowIdReusePolicy?: WorkflowIdReusePolicy;
}

/**
 * A Temporal server in memory behind the engine's client: starts, signals, cancels and their refusals
 * as the real one gives them. Calls fail at random, before or after they took effect.
 */
export class TemporalStandIn {
  readonly executions = new Map<number, Execution>();
  readonly temporal: TemporalClient;
  readonly #random: Random;
  readonly #rate: number;
  readonly #faults: FaultSwitch;

  constructor(options: { random: Random; rate: number; faults: FaultSwitch }) {
    this.#random = options.random;
    this.#rate = options.rate;
    this.#faults = options.faults;
    const workflow = {
      start: (type: string, start: StartOptions) => this.#call(() => void this.#start(type, start)),
      signalWithStart: (type: string, start: StartOptions) =>
        this.#call(() => {
          const running = this.#running(start.workflowId) ?? this.#start(type, start);
          running.resumes += 1;
        }),
      getHandle: (workflowId: string) => ({
        cancel: () =>
          this.#call(() => {
            this.#expectRunning(workflowId).isCancelled = true;
          }),
        signal: () =>
          this.#call(() => {
            this.#expectRunning(workflowId).resumes += 1;
          }),
      }),
    };
    this.temporal = {
      client: { workflow } as unknown as Client,
      withTimeout: (_timeoutMs, call) => call(),
      close: () => Promise.resolve(),
    };
  }

  describe(jobId: number): ExecutionState {
    const execution = this.executions.get(jobId);
    if (execution === undefined) return { kind: 'unknown' };
    return execution.isRunning ? { kind: 'running' } : { kind: 'closed', reason: 'terminated' };
  }

  async #call(effect: () => void): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const isHit = this.#faults.isOn && this.#random() < this.#rate;
    if (isHit) this.#faults.count += 1;
    if (isHit && this.#random() < 0.5) throw new InjectedFault('Temporal unreachable');
    effect();
    if (isHit) throw new InjectedFault('answer of Temporal lost');
  }

  #running(workflowId: string): Execution | undefined {
    const execution = this.executions.get(jobIdOf(workflowId) ?? 0);
    return execution?.isRunning === true ? execution : undefined;
  }

  #expectRunning(workflowId: string): Execution {
    const execution = this.#running(workflowId);
    if (execution === undefined) throw new WorkflowNotFoundError('gone', workflowId, undefined);
    return execution;
  }

  #start(type: string, options: StartOptions): Execution {
    const jobId = jobIdOf(options.workflowId) ?? 0;
    const known = this.executions.get(jobId);
    const isRefused =
      options.workflowIdReusePolicy === WorkflowIdReusePolicy.REJECT_DUPLICATE ||
      known?.isRunning === true;
    if (known !== undefined && isRefused) {
      throw new WorkflowExecutionAlreadyStartedError('started', options.workflowId, type);
    }
    const execution: Execution = {
      jobId,
      isRunning: true,
      runs: (known?.runs ?? 0) + 1,
      isCancelled: false,
      resumes: 0,
      heldAt: undefined,
      step: 0,
    };
    this.executions.set(jobId, execution);
    return execution;
  }
}
