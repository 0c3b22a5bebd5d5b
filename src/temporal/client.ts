import { Client, Connection } from '@temporalio/client';

/** A client and the connection under it, to be closed together. */
export interface TemporalClient {
  readonly client: Client;
  /** Runs calls that fail when Temporal has not answered within `timeoutMs`. */
  withTimeout<Result>(timeoutMs: number, call: () => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

// a retry that waits when its connection is closed throws where nobody can catch it
const IMPATIENT = {
  interceptors: [],
  channelArgs: { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 500 },
};

// gRPC waits up to two minutes before it connects again to a server that was down for a while
const PATIENT = { channelArgs: { 'grpc.max_reconnect_backoff_ms': 2000 } };

/**
 * A client of one namespace. It connects at the first call, so that a Temporal server that is down
 * keeps nothing from starting.
 */
export function createTemporalClient(options: {
  readonly address: string;
  readonly namespace: string;
  /**
   * True for questions about Temporal itself: a call fails at once instead of being tried again, and a
   * server that is back is found within a second. Default false.
   */
  readonly isImpatient?: boolean;
}): TemporalClient {
  const connection = Connection.lazy({
    address: options.address,
    ...(options.isImpatient === true ? IMPATIENT : PATIENT),
  });
  return {
    client: new Client({ connection, namespace: options.namespace }),
    withTimeout: (timeoutMs, call) => connection.withDeadline(Date.now() + timeoutMs, call),
    close: () => connection.close(),
  };
}
