import pg from 'pg';

/** Channels the engine notifies on. */
export const CHANNELS = {
  /** Something waits in the outbox. */
  outbox: 'engine_outbox',
  /** Deliveries are due; the payload says where, see {@link parseEndpointIds}. */
  deliveries: 'engine_deliveries',
} as const;

/**
 * The endpoints that a notification of deliveries names, `17,42`; undefined where it names none: any
 * endpoint may have something due.
 */
export const parseEndpointIds = (payload: string): readonly number[] | undefined =>
  payload === '' ? undefined : payload.split(',').map(Number);

/** A running subscription. */
export interface Listener {
  readonly close: () => Promise<void>;
}

const RECONNECT_MS = 1000;

/**
 * Listens on one connection of its own and connects again when that breaks. Notifications are a
 * hint for speed, never the only way work is found: what arrives while disconnected is lost.
 */
export function listen(options: {
  readonly url: string;
  readonly channels: readonly string[];
  readonly onNotify: (channel: string, payload: string) => void;
}): Listener {
  let isClosed = false;
  let current: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  const retry = (): void => {
    if (isClosed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      void connect();
    }, RECONNECT_MS);
  };

  const connect = async (): Promise<void> => {
    const client = new pg.Client({
      connectionString: options.url,
      application_name: 'task-engine-listen',
      keepAlive: true,
    });
    current = client;
    client.on('error', () => undefined);
    client.on('end', retry);
    client.on('notification', (message) => {
      options.onNotify(message.channel, message.payload ?? '');
    });
    try {
      await client.connect();
      for (const channel of options.channels) await client.query(`LISTEN ${channel}`);
    } catch {
      await client.end().catch(() => undefined);
      retry();
    }
  };

  void connect();
  return {
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await current?.end().catch(() => undefined);
    },
  };
}
