import { assessUrl } from '../src/egress/assess-url.ts';
import type { BootstrapTenant } from '../src/config/config.ts';
import type { Logger } from '../src/log/logger.ts';
import { untilItWorks } from '../src/process/until-it-works.ts';
import { admitJobs } from '../src/store/admission.ts';
import { closeDb, createDb, type Db } from '../src/store/db.ts';
import { createSecretBox } from '../src/secrets/secret-box.ts';
import { checkSharedRoots, checkTenantStorage } from '../src/storage/check-root.ts';
import { createFindPlace } from '../src/storage/find-place.ts';
import { createStorages } from '../src/storage/storages.ts';
import { migrate, MigrationError, pendingMigrations } from '../src/store/migrate.ts';
import { getTenantStorage } from '../src/store/tenant-storages.ts';
import { getTenant } from '../src/store/tenants.ts';
import { createTemporalClient } from '../src/temporal/client.ts';
import { createDispatcher } from '../src/temporal/dispatcher.ts';
import { createSchedules, syncScheduleInterval } from '../src/temporal/schedules.ts';
import { createAdmitter } from './submission/admitter.ts';
import { createApp } from './app.ts';
import { bootstrapTenants } from './bootstrap.ts';
import { createHealthParts } from './health/parts.ts';
import { listenHttp } from './http-server.ts';
import type { RateLimits } from './limits/rate-limits.ts';
import { createSourceLookup } from './submission/source-lookup.ts';

/** What an API process is made with. */
export interface ApiServerOptions {
  readonly databaseUrl: string;
  readonly databasePoolSize: number;
  /** `never` waits until somebody else has brought the schema up to date. Default `auto`. */
  readonly migrate?: 'auto' | 'never';
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly localInputRoot: string;
  readonly localOutputRoot: string;
  readonly bootstrapTenants: readonly BootstrapTenant[];
  /** Keys that open what is kept sealed. Default none. */
  readonly secretsKeys?: readonly Buffer[];
  readonly isEmbedded: boolean;
  /** Default none. */
  readonly limits?: RateLimits;
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

/** Brings the schema up to date, or throws what is pending where this process shall not. */
async function prepareSchema(
  db: Db,
  { log, migrate: mode }: Pick<ApiServerOptions, 'log' | 'migrate'>,
): Promise<void> {
  if (mode === 'never') {
    const pending = await pendingMigrations(db);
    if (pending.length === 0) return;
    throw new MigrationError(
      `migrations pending: ${pending.join(', ')}; MIGRATE is never: run "npm run migrate"`,
    );
  }
  const applied = await migrate(db);
  if (applied.length > 0) log.info({ applied }, 'database schema brought up to date');
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
      await prepareSchema(db, options);
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
  // for requests, which do not wait for a Temporal that is down
  const probe = createTemporalClient({
    address: options.temporalAddress,
    namespace: options.temporalNamespace,
    isImpatient: true,
  });
  const secrets = createSecretBox(options.secretsKeys ?? []);
  const storages = createStorages({
    ...options,
    getRoots: (tenant) => getTenant(db, tenant),
    getRemote: (tenant, kind, side) => getTenantStorage(db, tenant, kind, side),
    secrets,
  });
  const findPlace = createFindPlace({ ...options, secrets });
  const app = createApp({
    db,
    log,
    admitter,
    checkUrl: assessUrl,
    now: () => new Date(),
    schedules: createSchedules(probe),
    syncScheduleInterval: () => syncScheduleInterval({ db, temporal: probe }),
    health: createHealthParts({
      databaseUrl: options.databaseUrl,
      temporal: probe,
      roots: options,
      checkTenantStorage: (tenant, shared) => checkTenantStorage(tenant, shared, storages),
      checkSharedRoots,
    }),
    lookUpSource: createSourceLookup({ db, storages, findPlace }),
    findPlace,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const server = await listenHttp({ fetch: app.fetch, host: options.host, port: options.port });
  dispatcher.start();
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    url: server.url,
    ended,
    stop: async () => {
      await server.close();
      await admitter.drain();
      await dispatcher.stop();
      await temporal.close();
      await probe.close();
      await closeDb(db);
      end();
    },
  };
}
