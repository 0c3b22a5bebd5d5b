import { defineConfig } from 'vitest/config';

const SERVICES = './test/helpers/services.ts';
/** Real S3 and Azure Blob servers, for the suites that move files. */
const STORES = './test/helpers/object-stores.ts';

/** Files of a suite with services run one at a time; where several do, in a group of their own. */
const inTurns = ({ hasServices, atOnce }: { hasServices: boolean; atOnce?: number }) =>
  atOnce === undefined
    ? { fileParallelism: !hasServices }
    : { maxWorkers: atOnce, sequence: { groupOrder: 1 } };

/**
 * A suite of its own: its folder, whether it needs Postgres and Temporal, object stores, how long a test may
 * take, and how many of its files run at once. Two cores: suites that run media tools or whole engines take turns.
 */
const suite = (
  name: string,
  options: { hasServices: boolean; hasStores?: boolean; seconds: number; atOnce?: number },
) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: options.seconds * 1000,
    hookTimeout: options.seconds * 1000,
    ...(options.hasServices
      ? { globalSetup: [SERVICES, ...(options.hasStores === true ? [STORES] : [])] }
      : {}),
    ...inTurns(options),
  },
});

export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      suite('unit', { hasServices: false, seconds: 10 }),
      suite('guards', { hasServices: false, seconds: 180 }),
      suite('integration', { hasServices: true, hasStores: true, seconds: 60 }),
      suite('contract', { hasServices: true, seconds: 30 }),
      suite('replay', { hasServices: true, seconds: 120 }),
      suite('e2e', { hasServices: true, hasStores: true, seconds: 180 }),
      // mostly waits: for lost heartbeats, restarts, pauses between attempts
      suite('chaos', { hasServices: true, hasStores: true, seconds: 600, atOnce: 3 }),
    ],
  },
});
