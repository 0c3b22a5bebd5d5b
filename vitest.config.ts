import { defineConfig } from 'vitest/config';

const SERVICES = './test/helpers/services.ts';

/** A suite of its own: its folder, whether it needs Postgres and Temporal, how long a test may take. */
const suite = (name: string, options: { hasServices: boolean; seconds: number }) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: options.seconds * 1000,
    hookTimeout: options.seconds * 1000,
    ...(options.hasServices ? { globalSetup: [SERVICES] } : {}),
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
      suite('integration', { hasServices: true, seconds: 60 }),
      suite('contract', { hasServices: true, seconds: 30 }),
      suite('replay', { hasServices: true, seconds: 120 }),
      suite('e2e', { hasServices: true, seconds: 180 }),
      suite('chaos', { hasServices: true, seconds: 600 }),
    ],
  },
});
