import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';

const LIMIT_MS = 30_000;

/**
 * Lets the SDK download a Temporal CLI into `folder`. It only does so on its way to a test server,
 * which is stopped again. Undefined where the download is out of reach.
 */
export async function bundledServerDownload(folder: string): Promise<string | undefined> {
  const starting = TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: folder } },
  });
  const stopped = starting.then(
    async (environment) => {
      await environment.teardown();
      return true;
    },
    () => false,
  );
  const limit = new Promise<false>((resolve) => {
    setTimeout(() => resolve(false), LIMIT_MS).unref();
  });
  if (!(await Promise.race([stopped, limit]))) return undefined;
  const [name] = (await readdir(folder)).filter((one) => one.startsWith('temporal'));
  return name === undefined ? undefined : join(folder, name);
}
