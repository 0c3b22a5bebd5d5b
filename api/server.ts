import { serve } from '@hono/node-server';
import type { AddressInfo, Server } from 'node:net';
import { assessUrl } from '../src/egress/assess-url.ts';
import type { BootstrapTenant } from '../src/config/config.ts';
import type { Logger } from '../src/log/logger.ts';
import { untilItWorks } from '../src/process/until-it-works.ts';
import { admitJobs } from '../src/store/admission.ts';
import { closeDb, createDb } from '../src/store/db.ts';
import { migrate } from '../src/store/migrate.ts';
import { createTemporalClient } from '../src/temporal/client.ts';
import { createDispatcher } from '../src/temporal/dispatcher.ts';
import { createAdmitter } from './admitter.ts';
import { createApp } from './app.ts';
import { bootstrapTenants } from './bootstrap.ts';

/** What an API process is made with. */
export interface ApiServerOptions {
  readonly databaseUrl: string;
  readonly databasePoolSize: number;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly bootstrapTenants: readonly BootstrapTenant[];
  readonly isEmbedded: boolean;
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

/** A running API process. */
export interface ApiServer {
  readonly url: string;
  readonly ended: Promise<void>;
  /** Takes no new requests, ends those under way. */
  readonly stop: () => Promise<void>;
}

/** Starts the API with its dispatcher. Temporal may be down: jobs are taken all the same. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { log } = options;
  const db = createDb({
    url: options.databaseUrl,
    poolSize: options.databasePoolSize,
    applicationName: 'task-engine-api',
    onError: (error) => log.warn({ err: error }, 'a database connection broke'),
  });
  await untilItWorks(
    'Postgres',
    async () => {
      const applied = await migrate(db);
      if (applied.length > 0) log.info({ applied }, 'database schema brought up to date');
      await bootstrapTenants({ db, log }, options.bootstrapTenants, options);
    },
    { log, ...(options.signal === undefined ? {} : { signal: options.signal }) },
  );
  const temporal = createTemporalClient({
    address: options.temporalAddress,
    namespace: options.temporalNamespace,
  });
  const dispatcher = createDispatcher({ db, databaseUrl: options.databaseUrl, temporal, log });
  const admitter = createAdmitter({ admit: (tenantId) => admitJobs(db, tenantId), log });
  const app = createApp({ db, log, admitter, checkUrl: assessUrl, now: () => new Date() });
  const server = await listenOn(app.fetch, options);
  dispatcher.start();
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    url: urlOf(server, options.host),
    ended,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      if ('closeIdleConnections' in server)
        (server as { closeIdleConnections(): void }).closeIdleConnections();
      await closed;
      await admitter.drain();
      await dispatcher.stop();
      await temporal.close();
      await closeDb(db);
      end();
    },
  };
}

function listenOn(
  fetch: Parameters<typeof serve>[0]['fetch'],
  options: ApiServerOptions,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve(
      {
        fetch,
        hostname: options.host,
        port: options.port,
        serverOptions: { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 30_000 },
      },
      () => resolve(server as Server),
    );
    server.once('error', reject);
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
