/** What a set-up has started. */
export interface Running<Value> {
  readonly value: Value;
  readonly stop: () => Promise<void>;
}

interface Shared {
  running: Promise<Running<unknown>> | undefined;
  users: number;
}

/**
 * Starts something once for all projects of a run, tells it to each, and stops it after the last: every
 * project loads its set-up files anew, within one process. Returns the project's teardown.
 */
export async function shareSetup<Value>(
  name: string,
  start: () => Promise<Running<Value>>,
  provide: (value: Value) => void,
): Promise<() => Promise<void>> {
  const key = Symbol.for(`task-engine.test-${name}`);
  const holder = globalThis as unknown as Record<symbol, Shared | undefined>;
  holder[key] ??= { running: undefined, users: 0 };
  const shared = holder[key];
  shared.users += 1;
  shared.running ??= start();
  const { value, stop } = await (shared.running as Promise<Running<Value>>);
  provide(value);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.running = undefined;
    await stop();
  };
}
