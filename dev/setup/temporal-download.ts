import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const LIMIT_MS = 30_000;

/**
 * Lets the SDK download a Temporal CLI into `folder`. It only does so on its way to a test server,
 * which is stopped again. Undefined where the download is out of reach, or takes longer than 30 s.
 */
export async function downloadTemporal(folder: string): Promise<string | undefined> {
  // loaded here alone: who has the program needs no package for tests
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const isDownloaded = TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: folder } },
  }).then(
    async (environment) => {
      await environment.teardown();
      return true;
    },
    () => false,
  );
  const limit = new Promise<false>((resolve) => {
    setTimeout(() => resolve(false), LIMIT_MS).unref();
  });
  if (!(await Promise.race([isDownloaded, limit]))) return undefined;
  const name = (await readdir(folder)).find((one) => one.startsWith('temporal'));
  return name === undefined ? undefined : join(folder, name);
}
