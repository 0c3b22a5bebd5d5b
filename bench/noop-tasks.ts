/** Four tasks that do nothing. */
export type NoopTasks = Readonly<
  Record<
    'fetchSource' | 'inspectSource' | 'package' | 'publish',
    (input: { readonly jobId: number }) => Promise<void>
  >
>;
