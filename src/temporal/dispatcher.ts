import type { Logger } from '../log/logger.ts';
import type { Db } from '../store/db.ts';
import { CHANNELS, listen, type Listener, parseEndpointIds } from '../store/listen.ts';
import { createDeliveryStarter } from './start-deliveries.ts';
import { dispatchOutbox } from './dispatch-outbox.ts';
import type { TemporalClient } from './client.ts';
import { registerSearchAttributes } from './register.ts';

/** Carries what Postgres has decided to Temporal. Any number may run, in any process. */
export interface Dispatcher {
  readonly start: () => void;
  /** Looks at once instead of at the next poll. */
  readonly poke: () => void;
  /** Ends after the work in hand. */
  readonly stop: () => Promise<void>;
}

const POLL_MS = 1000;
const REGISTER_TIMEOUT_MS = 10_000;

/** A loop that runs `work` when poked and every second, until a run finds nothing more to do. */
function createLoop(log: Logger, what: string, work: () => Promise<boolean>) {
  let isStopped = false;
  let isPoked = false;
  let wakeUp: (() => void) | undefined;
  let running: Promise<void> | undefined;

  const sleep = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async (): Promise<void> => {
    let isFailing = false;
    while (!isStopped) {
      isPoked = false;
      let hasMore = false;
      try {
        hasMore = await work();
        if (isFailing) log.info({ what }, 'works again');
        isFailing = false;
      } catch (error) {
        // once for each outage: the loop itself is the retry
        if (!isFailing) log.warn({ what, err: error }, 'could not look for work; trying on');
        isFailing = true;
      }
      if (!hasMore && !isPoked && !isStopped) await sleep();
    }
  };

  return {
    start: () => {
      running ??= run();
    },
    poke: () => {
      isPoked = true;
      wakeUp?.();
    },
    stop: async () => {
      isStopped = true;
      wakeUp?.();
      await running;
    },
  };
}

/** Makes a dispatcher; `databaseUrl` is for the connection that listens. */
export function createDispatcher(deps: {
  readonly db: Db;
  readonly databaseUrl: string;
  readonly temporal: TemporalClient;
  readonly log: Logger;
}): Dispatcher {
  let isRegistered = false;
  const starter = createDeliveryStarter(deps);
  const jobs = createLoop(deps.log, 'outbox', async () => {
    // a job's start names search attributes, and no worker may have been there to create them
    if (!isRegistered) {
      const { client } = deps.temporal;
      await deps.temporal.withTimeout(REGISTER_TIMEOUT_MS, () =>
        registerSearchAttributes(client, client.options.namespace),
      );
      isRegistered = true;
    }
    return dispatchOutbox(deps);
  });
  const deliveries = createLoop(deps.log, 'deliveries', () => starter.run());
  let listener: Listener | undefined;
  return {
    start: () => {
      listener = listen({
        url: deps.databaseUrl,
        channels: [CHANNELS.outbox, CHANNELS.deliveries],
        onNotify: (channel, payload) => {
          if (channel === CHANNELS.deliveries) starter.hint(parseEndpointIds(payload));
          (channel === CHANNELS.outbox ? jobs : deliveries).poke();
        },
      });
      jobs.start();
      deliveries.start();
    },
    poke: () => {
      jobs.poke();
      starter.hint(undefined);
      deliveries.poke();
    },
    stop: async () => {
      await Promise.all([jobs.stop(), deliveries.stop(), listener?.close()]);
    },
  };
}
