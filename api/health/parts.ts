import { storageDefaults } from '../../src/contract/storage-defaults.ts';
import type { Settings } from '../../src/domain/settings.ts';
import type { StorageKind } from '../../src/domain/storage-kind.ts';
import type { StorageSide } from '../../src/domain/storage-settings.ts';
import type { SharedRoots, TenantStorage } from '../../src/storage/check-root.ts';
import type { Db } from '../../src/store/db.ts';
import { countJobs, isReadOnly, type JobCounts } from '../../src/store/health.ts';
import { pendingMigrations } from '../../src/store/migrate.ts';
import { onOwnConnection } from '../../src/store/own-connection.ts';
import { getTenantSettings } from '../../src/store/settings.ts';
import { countTasks, type TaskCounts } from '../../src/store/task-tally.ts';
import type { Tenant } from '../../src/store/tenants.ts';
import { listWorkers, type ReportedWorker } from '../../src/store/worker-status.ts';
import type { TemporalClient } from '../../src/temporal/client.ts';
import type { TaskQueueName } from '../../src/temporal/names.ts';
import { type QueueStats, readQueueStats } from '../../src/temporal/queue-stats.ts';
import { PartFault } from './fault.ts';

/** What belongs to one tenant. */
export interface TenantCounts {
  readonly jobs: JobCounts;
  readonly tasks: TaskCounts;
  readonly settings: Settings;
}

/** How each part is asked. All of them throw where it cannot be. */
export interface HealthParts {
  /** Also shows that Postgres takes connections and writes, and reads its tables. */
  readonly listWorkers: () => Promise<readonly ReportedWorker[]>;
  readonly countTenant: (tenantId: number) => Promise<TenantCounts>;
  readonly readQueues: () => Promise<Readonly<Record<TaskQueueName, QueueStats>>>;
  readonly checkStorage: (tenant: Tenant) => Promise<void>;
  readonly checkSharedRoots: () => Promise<void>;
  readonly pendingMigrations: () => Promise<readonly string[]>;
}

/** Longer than anyone waits for the answer: what still comes serves the next one who asks. */
const ASK_MS = 2000;
/** Counting a tenant's jobs may take longer where there are millions. */
const COUNT_MS = 15_000;

/** Asks the real parts, each on a connection of its own, so that no pool is waited for. */
export function createHealthParts(deps: {
  readonly databaseUrl: string;
  /** An impatient one. */
  readonly temporal: TemporalClient;
  readonly roots: SharedRoots;
  readonly checkTenantStorage: (
    tenant: TenantStorage,
    shared: SharedRoots,
  ) => Promise<string | undefined>;
  readonly checkSharedRoots: (shared: SharedRoots) => Promise<string | undefined>;
}): HealthParts {
  const onPostgres = <Result>(
    timeoutMs: number,
    work: (db: Db) => Promise<Result>,
  ): Promise<Result> =>
    onOwnConnection(
      { url: deps.databaseUrl, applicationName: 'task-engine-health', timeoutMs },
      work,
    );
  const throwFault = (fault: string | undefined): void => {
    if (fault !== undefined) throw new PartFault(fault);
  };
  return {
    listWorkers: () =>
      onPostgres(ASK_MS, async (db) => {
        if (await isReadOnly(db)) throw new PartFault('takes no writes');
        return listWorkers(db);
      }),
    countTenant: (tenantId) =>
      onPostgres(COUNT_MS, async (db) => ({
        jobs: await countJobs(db, tenantId),
        tasks: await countTasks(db, tenantId),
        settings: await getTenantSettings(db, tenantId),
      })),
    readQueues: () => readQueueStats(deps.temporal, ASK_MS),
    checkStorage: async (tenant) => {
      const { source, destination } = storageDefaults(tenant);
      const storage = {
        name: tenant.name,
        roots: tenant,
        sources: usableKinds(tenant, source, 'input'),
        destinations: usableKinds(tenant, destination ?? source, 'output'),
      };
      throwFault(await deps.checkTenantStorage(storage, deps.roots));
    },
    checkSharedRoots: async () => throwFault(await deps.checkSharedRoots(deps.roots)),
    pendingMigrations: () => onPostgres(ASK_MS, pendingMigrations),
  };
}

/** The kinds of storage that a tenant's jobs may name on a side: the one of its jobs that name none, first. */
const usableKinds = (
  { remotes }: Tenant,
  used: StorageKind,
  side: StorageSide,
): readonly StorageKind[] => {
  const setUp = remotes.filter((one) => one.side === side).map((one) => one.settings.kind);
  return [...new Set([used, ...setUp])];
};
