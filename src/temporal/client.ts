import { Client, Connection } from '@temporalio/client';

/** A client and the connection under it, to be closed together. */
export interface TemporalClient {
  readonly client: Client;
  /** Runs calls that fail when Temporal has not answered within `timeoutMs`. */
  withTimeout<Result>(timeoutMs: number, call: () => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

/**
 * A client of one namespace. It connects at the first call, so that a Temporal server that is down
 * keeps nothing from starting.
 */
export function createTemporalClient(options: {
  readonly address: string;
  readonly namespace: string;
}): TemporalClient {
  const connection = Connection.lazy({ address: options.address });
  return {
    client: new Client({ connection, namespace: options.namespace }),
    withTimeout: (timeoutMs, call) => connection.withDeadline(Date.now() + timeoutMs, call),
    close: () => connection.close(),
  };
}
