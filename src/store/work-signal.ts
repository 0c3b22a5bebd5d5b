/** One who waits for work at one endpoint. */
export interface Watch {
  /** Forgets what it was woken for: the look that follows sees it. */
  readonly look: () => void;
  /** Resolves at the next wake, at once where there was one since the last look, or after `timeoutMs`. */
  readonly wait: (timeoutMs: number) => Promise<void>;
  readonly close: () => void;
}

/** Wakes those who wait for deliveries; the other side of a notification. */
export interface WorkSignal {
  /** Wakes who watches one of these endpoints; undefined wakes everybody. */
  readonly wake: (endpointIds: readonly number[] | undefined) => void;
  /** Watches an endpoint from now on. */
  readonly watch: (endpointId: number) => Watch;
}

interface Watcher {
  readonly endpointId: number;
  isWoken: boolean;
  /** Waits under way; some of them nobody heeds any more. */
  readonly waits: Set<() => void>;
}

function wakeUp(watcher: Watcher): void {
  watcher.isWoken = true;
  const waits = [...watcher.waits];
  for (const end of waits) end();
}

/** Makes a {@link WorkSignal}. */
export function createWorkSignal(): WorkSignal {
  const watchers = new Set<Watcher>();
  return {
    wake: (endpointIds) => {
      for (const watcher of watchers) {
        if (endpointIds?.includes(watcher.endpointId) !== false) wakeUp(watcher);
      }
    },
    watch: (endpointId) => {
      const watcher: Watcher = { endpointId, isWoken: false, waits: new Set() };
      watchers.add(watcher);
      return {
        look: () => {
          watcher.isWoken = false;
        },
        wait: (timeoutMs) =>
          new Promise((resolve) => {
            if (watcher.isWoken) {
              resolve();
              return;
            }
            const end = (): void => {
              clearTimeout(timer);
              watcher.waits.delete(end);
              resolve();
            };
            const timer = setTimeout(end, timeoutMs);
            watcher.waits.add(end);
          }),
        close: () => {
          watchers.delete(watcher);
          wakeUp(watcher);
        },
      };
    },
  };
}
