import { defineConfig } from 'vitest/config';

const SERVICES = './test/helpers/services.ts';
/** Real S3 and Azure Blob servers, for the suites that move files. */
const STORES = './test/helpers/object-stores.ts';

/** A suite of its own: its folder, whether it needs Postgres and Temporal, object stores, how long a test may take. */
const suite = (
  name: string,
  options: { hasServices: boolean; hasStores?: boolean; seconds: number },
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
    // two cores: suites that run media tools or whole engines take turns
    fileParallelism: !options.hasServices,
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
      suite('chaos', { hasServices: true, hasStores: true, seconds: 600 }),
    ],
  },
});
