/** Which endpoint is meant. */
export interface DrainInput {
  readonly endpointId: number;
  readonly tenant: string;
  /** Scheme, host and port. */
  readonly origin: string;
}

/** How a drain left its endpoint. */
export interface DrainResult {
  /** Streams (one job's callbacks to one URL) with something still to send. */
  readonly pendingStreams: number;
  /** Seconds until the next try, null where nothing is pending. */
  readonly nextDueSeconds: number | null;
  /** Failures in a row. */
  readonly failures: number;
  /** Seconds between two probes while the breaker is open, 0 while it is closed. */
  readonly probeSeconds: number;
  readonly lastFailure: string | null;
}

/** Activities of the `callback` task queue. */
export interface CallbackActivities {
  drainEndpoint(input: DrainInput): Promise<DrainResult>;
}
