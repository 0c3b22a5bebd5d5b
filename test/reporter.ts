import { randomUUID } from 'node:crypto';
import type { Reporter, TestModule } from 'vitest/node';
import { leakedProcesses, RUN_VARIABLE } from './leaked-processes.ts';

/**
 * Prints the closing line that CI counts tests from: `N passed, N failed`. A file that cannot be loaded,
 * an error outside of tests, and processes that outlive the run count as failures.
 */
export default class ClosingLine implements Reporter {
  readonly #run = randomUUID();
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  // before the first process of the run is started, so that all inherit the mark
  onInit(): void {
    process.env[RUN_VARIABLE] = this.#run;
    // the mark must reach what a worker starts, too
    process.env['TOOL_ENVIRONMENT'] = RUN_VARIABLE;
    // after every teardown; whatever comes later in 'exit' would be printed below the closing line
    process.on('exit', () => this.#close());
  }

  onTestRunStart(): void {
    [this.#passed, this.#failed, this.#skipped] = [0, 0, 0];
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    this.#failed += errors.length;
    for (const module of modules) {
      let own = 0;
      for (const test of module.children.allTests()) {
        own += 1;
        const { state } = test.result();
        if (state === 'passed') this.#passed += 1;
        else if (state === 'skipped') this.#skipped += 1;
        else this.#failed += 1;
      }
      // a file that could not be loaded has no tests to count
      if (module.state() === 'failed' && (own === 0 || module.errors().length > 0)) {
        this.#failed += 1;
      }
    }
  }

  #close(): void {
    for (const { pid, commandLine } of leakedProcesses(this.#run)) {
      process.stdout.write(`A test left a process behind: ${pid} ${commandLine}\n`);
      this.#failed += 1;
    }
    const isBad = (process.exitCode ?? 0) !== 0;
    // a run that fails outside of its tests (a set-up, a teardown) is no run without failures
    if (isBad && this.#failed === 0) this.#failed = 1;
    if (this.#failed > 0 && !isBad) process.exitCode = 1;
    const skipped = this.#skipped > 0 ? `, ${this.#skipped} skipped` : '';
    process.stdout.write(`${this.#passed} passed, ${this.#failed} failed${skipped}\n`);
  }
}
