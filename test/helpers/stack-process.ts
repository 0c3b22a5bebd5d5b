import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment } from '../../src/config/config.ts';
import type { StackAddresses } from '../../dev/stack/stack.ts';
import { until } from './engine.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** `npm start` as a process, on a data folder of its own and free ports. */
export class StackProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';

  constructor(dataDir: string, variables: Readonly<Record<string, string>> = {}) {
    const free = { PORT: '0', TEMPORAL_PORT: '0', TEMPORAL_UI_PORT: '0' };
    this.#child = spawn(process.execPath, [join(ROOT, 'dev', 'main.ts')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: childEnvironment({ DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...free, ...variables }),
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    this.#ended = new Promise((resolve) => this.#child.once('exit', (code) => resolve(code)));
  }

  /** All that it and its pieces have printed. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits for the ready line. Throws with the output where the process ended instead. */
  async untilReady(): Promise<void> {
    await until(
      async () => {
        if (this.#child.exitCode !== null) throw new Error(`ended: ${this.#output}`);
        return this.#output.includes('Ready: ') ? true : undefined;
      },
      120,
      'the ready line',
    );
  }

  /** Sends a signal and waits for the end; the exit code, null where the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.#ended;
  }

  /** The exit code of a process that ends by itself. */
  ended(): Promise<number | null> {
    return this.#ended;
  }
}

/** What `stack.json` of a data folder says. */
export async function readAddresses(dataDir: string): Promise<StackAddresses> {
  return JSON.parse(await readFile(join(dataDir, 'stack.json'), 'utf8')) as StackAddresses;
}
