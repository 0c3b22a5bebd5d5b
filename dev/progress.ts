import type { Writable } from 'node:stream';

/** Tells a person at a terminal, or a log, what is going on and that it still goes on. */
export interface Progress {
  /** Says one finished thing. */
  line(text: string): void;
  /**
   * Runs something slow: says `title` first, then how much time has passed, with the latest `note`,
   * every second on a terminal and every ten seconds elsewhere.
   */
  slow<T>(title: string, work: (note: (detail: string) => void) => Promise<T>): Promise<T>;
}

const TERMINAL_TICK_MS = 1_000;
const LOG_TICK_MS = 10_000;

/** `75` → `1:15`. */
export function formatElapsed(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** Progress on a stream, which is a terminal where it says so (`isTTY`). */
export function createProgress(stream: Writable & { isTTY?: boolean; columns?: number }): Progress {
  const isTerminal = stream.isTTY === true;
  const line = (text: string) => void stream.write(`${text}\n`);

  async function slow<T>(
    title: string,
    work: (note: (detail: string) => void) => Promise<T>,
  ): Promise<T> {
    line(title);
    const startedAt = performance.now();
    let detail = '';
    const tick = () => {
      const elapsed = formatElapsed((performance.now() - startedAt) / 1_000);
      const text = `    ${elapsed} elapsed${detail === '' ? '' : `, ${detail}`}`;
      if (isTerminal) stream.write(`\r\x1b[2K${text.slice(0, (stream.columns ?? 80) - 1)}`);
      else line(text);
    };
    const timer = setInterval(tick, isTerminal ? TERMINAL_TICK_MS : LOG_TICK_MS);
    try {
      return await work((next) => {
        detail = next;
      });
    } finally {
      clearInterval(timer);
      if (isTerminal) stream.write('\r\x1b[2K');
    }
  }

  return { line, slow };
}
