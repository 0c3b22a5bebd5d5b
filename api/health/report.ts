import product from '../../package.json' with { type: 'json' };
import { type HealthJson, type NotReady, toHealthJson } from '../../src/contract/health.ts';
import type { Logger } from '../../src/log/logger.ts';
import type { Tenant } from '../../src/store/tenants.ts';
import { TASK_QUEUES } from '../../src/temporal/names.ts';
import { PartFault } from './fault.ts';
import { createPart, type PartOptions } from './part.ts';
import type { HealthParts } from './parts.ts';

/** How long each part may take, milliseconds: with the credentials' 500 it stays below 2 s. */
const TIMEOUT_MS = 1100;
/** An answer serves all that ask within this, milliseconds. */
const KEEP_MS = 1500;
/** Counts that are this old are still told where new ones take longer, milliseconds. */
const STALE_COUNTS_MS = 60_000;

/** Answers how the engine is. */
export interface HealthReport {
  readonly show: (tenant: Tenant) => Promise<HealthJson>;
  /** Why this process should get no requests, or undefined where it should. */
  readonly findObstacle: () => Promise<NotReady | undefined>;
}

/** Makes a {@link HealthReport}. All parts are asked at once; none is waited for longer than 1.1 s. */
export function createHealthReport(deps: {
  readonly parts: HealthParts;
  readonly log: Logger;
}): HealthReport {
  const { parts } = deps;
  const part = <Input, Value>(
    options: Pick<PartOptions<Input, Value>, 'name' | 'staleMs' | 'keyOf' | 'ask'>,
  ) => createPart({ log: deps.log, timeoutMs: TIMEOUT_MS, keepMs: KEEP_MS, ...options });
  const sole = () => 0;

  const askPostgres = part({ name: 'postgres', keyOf: sole, ask: parts.listWorkers });
  const askTemporal = part({ name: 'temporal', keyOf: sole, ask: parts.readQueues });
  const askStorage = part({
    name: 'storage',
    keyOf: (tenant: Tenant) => tenant.id,
    ask: parts.checkStorage,
  });
  const askCounts = part({
    name: 'counts',
    keyOf: (tenant: Tenant) => tenant.id,
    ask: (tenant) => parts.countTenant(tenant.id),
    staleMs: STALE_COUNTS_MS,
  });
  const askRoots = part({ name: 'storage roots', keyOf: sole, ask: parts.checkSharedRoots });
  const askSchema = part({
    name: 'schema',
    keyOf: sole,
    ask: async () => {
      const pending = await parts.pendingMigrations();
      if (pending.length > 0) throw new PartFault('is not up to date');
    },
  });

  return {
    show: async (tenant) => {
      const [postgres, temporal, storage, counts] = await Promise.all([
        askPostgres(undefined),
        askTemporal(undefined),
        askStorage(tenant),
        askCounts(tenant),
      ]);
      return toHealthJson({
        postgres,
        temporal,
        storage,
        // numbers of before an outage would look like numbers of now
        counts: 'fault' in postgres ? postgres : counts,
        queues: Object.values(TASK_QUEUES),
        version: product.version,
        nowMs: Date.now(),
      });
    },

    findObstacle: async () => {
      const [postgres, schema, storage] = await Promise.all([
        askPostgres(undefined),
        askSchema(undefined),
        askRoots(undefined),
      ]);
      for (const [name, finding] of Object.entries({ postgres, schema, storage })) {
        if ('fault' in finding) {
          return { status: 'unavailable', reason: `${name}: ${finding.fault}` };
        }
      }
      return undefined;
    },
  };
}
