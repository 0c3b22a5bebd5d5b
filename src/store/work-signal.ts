/** One who waits for work at one endpoint. */
export interface Watch {
  /** Resolves at the next wake, at once where there was one since the last wait, or after `timeoutMs`. */
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
  resolve: (() => void) | undefined;
}

/** Makes a {@link WorkSignal}. */
export function createWorkSignal(): WorkSignal {
  const watchers = new Set<Watcher>();
  return {
    wake: (endpointIds) => {
      for (const watcher of watchers) {
        if (endpointIds !== undefined && !endpointIds.includes(watcher.endpointId)) continue;
        watcher.isWoken = true;
        watcher.resolve?.();
      }
    },
    watch: (endpointId) => {
      const watcher: Watcher = { endpointId, isWoken: false, resolve: undefined };
      watchers.add(watcher);
      return {
        wait: async (timeoutMs) => {
          if (!watcher.isWoken) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, timeoutMs);
              watcher.resolve = () => {
                clearTimeout(timer);
                resolve();
              };
            });
          }
          watcher.isWoken = false;
          watcher.resolve = undefined;
        },
        close: () => {
          watchers.delete(watcher);
          watcher.resolve?.();
        },
      };
    },
  };
}
