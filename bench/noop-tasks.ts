/** Four tasks that do nothing. */
export type NoopTasks = Readonly<
  Record<
    'fetchSource' | 'inspectSource' | 'package' | 'publish',
    (input: { readonly jobId: number }) => Promise<void>
  >
>;

const noop = (): Promise<void> => Promise.resolve();

/** The tasks themselves. */
export const NOOP_TASKS: NoopTasks = {
  fetchSource: noop,
  inspectSource: noop,
  package: noop,
  publish: noop,
};
