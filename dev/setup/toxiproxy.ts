import type { Config } from '../../src/config/config.ts';
import type { Progress } from '../progress.ts';
import { ensureTestServer } from './test-server.ts';

/** The proxy that spoils connections in tests; returns what to run. Throws a `SetupError` without one. */
export const ensureToxiproxy = (config: Config, progress: Progress): Promise<string> =>
  ensureTestServer(
    {
      title: 'toxiproxy (bad networks for tests)',
      // the package is called so, and Go names programs for their packages
      name: 'server',
      command: 'toxiproxy-server',
      version: '2.12.0',
      module: 'github.com/Shopify/toxiproxy/v2/cmd/server',
      duration: 'half a minute',
      purpose: 'The proxy for bad networks in tests',
    },
    config,
    progress,
  );
