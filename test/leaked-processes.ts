import { readdirSync, readFileSync } from 'node:fs';

/** The variable by which every process that a test run starts can be told from all others. */
export const RUN_VARIABLE = 'TASK_ENGINE_TEST_RUN';

const GRACE_MS = 5_000;
const POLL_MS = 100;

/** A process that outlived the run that started it. */
export interface LeakedProcess {
  readonly pid: number;
  readonly commandLine: string;
}

/**
 * The processes whose environment carries this run's mark, but for this one and the test runner's own
 * workers. Those that are about to end are given 5 s. Synchronous: it is called when the run exits.
 * Empty where there is no `/proc` (macOS).
 */
export function leakedProcesses(run: string): readonly LeakedProcess[] {
  const deadline = Date.now() + GRACE_MS;
  for (;;) {
    const left = marked(run);
    if (left.length === 0 || Date.now() > deadline) return left;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
}

function marked(run: string): readonly LeakedProcess[] {
  const mark = `${RUN_VARIABLE}=${run}`;
  return listProcesses().flatMap((pid) => {
    if (pid === process.pid || !read(pid, 'environ').split('\0').includes(mark)) return [];
    const commandLine = read(pid, 'cmdline').replaceAll('\0', ' ').trim();
    // an empty command line is a process that has ended and waits to be collected
    return commandLine === '' || commandLine.includes('node_modules/vitest/')
      ? []
      : [{ pid, commandLine }];
  });
}

function listProcesses(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // gone, or another user's
    return '';
  }
}
