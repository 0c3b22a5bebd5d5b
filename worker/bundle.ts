import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import sdk from '@temporalio/worker/package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '..');
const CACHE = join(ROOT, 'node_modules', '.cache', 'task-engine');

/** Everything that may be in a bundle: what it is made of decides whether a kept one still holds. */
const SOURCES = ['workflows', 'src/domain', 'src/temporal/names.ts'];

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256').update(sdk.version);
  for (const source of SOURCES) {
    const files = source.endsWith('.ts')
      ? [source]
      : (await readdir(join(ROOT, source), { recursive: true }))
          .filter((name) => name.endsWith('.ts'))
          .sort()
          .map((name) => join(source, name));
    for (const file of files) hash.update(file).update(await readFile(join(ROOT, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * The workflow code as workers run it, interceptors included. Bundling takes seconds, so a bundle is
 * kept and used again while nothing that goes into it has changed.
 */
export async function loadWorkflowBundle(): Promise<{ readonly code: string }> {
  const file = join(CACHE, `workflows-${await fingerprint()}.js`);
  try {
    return { code: await readFile(file, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const { code } = await buildWorkflowBundle();
  await mkdir(CACHE, { recursive: true });
  const partial = `${file}.${process.pid}`;
  await writeFile(partial, code);
  await rename(partial, file);
  return { code };
}

/** Bundles the workflow code of a source tree anew; a worker takes interceptors only through here. */
export function buildWorkflowBundle(root = ROOT): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: join(root, 'workflows', 'index.ts'),
    workflowInterceptorModules: [join(root, 'workflows', 'interceptors', 'callbacks.ts')],
    logger: {
      trace: ignore,
      debug: ignore,
      info: ignore,
      warn: ignore,
      error: ignore,
      log: ignore,
    },
  });
}

const ignore = (): void => undefined;

// `node worker/bundle.ts` keeps a bundle, as an image's build does
if (import.meta.main) await loadWorkflowBundle();
