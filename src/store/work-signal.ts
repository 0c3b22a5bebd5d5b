/** Wakes those who wait for work; the other side of a notification. */
export interface WorkSignal {
  /** Wakes everybody who waits now. */
  readonly wake: () => void;
  /** Resolves at the next wake, or after `timeoutMs`. */
  readonly wait: (timeoutMs: number) => Promise<void>;
}

/** Makes a {@link WorkSignal}. */
export function createWorkSignal(): WorkSignal {
  const waiting = new Set<() => void>();
  return {
    wake: () => {
      const woken = Array.from(waiting);
      for (const resolve of woken) resolve();
    },
    wait: (timeoutMs) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        waiting.add(done);
      }),
  };
}
