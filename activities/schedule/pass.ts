/** One run of a schedule's activity. Made from Temporal's activity context; a test makes its own. */
export interface Pass {
  /** Aborts when the schedule is switched off or the worker stops. */
  readonly signal: AbortSignal;
  /** Says that the pass is alive, and how far it has come. */
  readonly heartbeat: (details: unknown) => void;
}

const HEARTBEAT_MS = 1000;

/** Runs `work` with a heartbeat every second, also while a statement takes longer; `tell` says how far it is. */
export async function withHeartbeat<Result>(
  pass: Pass,
  tell: () => unknown,
  work: () => Promise<Result>,
): Promise<Result> {
  const beat = setInterval(() => pass.heartbeat(tell()), HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}
