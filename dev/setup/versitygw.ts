import type { Config } from '../../src/config/config.ts';
import type { Progress } from '../progress.ts';
import { ensureTestServer } from './test-server.ts';

/** The S3 server that tests run against; returns what to run. Throws a `SetupError` without one. */
export const ensureVersitygw = (config: Config, progress: Progress): Promise<string> =>
  ensureTestServer(
    {
      title: 'versitygw (S3 server for tests)',
      name: 'versitygw',
      command: 'versitygw',
      version: '1.8.0',
      module: 'github.com/versity/versitygw/cmd/versitygw',
      duration: '2 to 5 minutes',
      purpose: 'The S3 server for tests',
    },
    config,
    progress,
  );
