import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { readConfig } from '../../src/config/config.ts';

const VERSION = '4.32.5';
const INSTALL_MS = 180_000;

/**
 * The schemathesis program, installed from PyPI into an environment of its own in the cache folder, and
 * only there. Returns why it cannot be had where there is no Python or no PyPI.
 */
export async function ensureSchemathesis(): Promise<
  { readonly program: string } | { readonly missing: string }
> {
  const { cacheDir } = readConfig();
  const folder = join(cacheDir, `schemathesis-${VERSION}`);
  const program = join(folder, 'bin', 'schemathesis');
  if (existsSync(join(folder, 'whole'))) return { program };
  await rm(folder, { recursive: true, force: true });
  await mkdir(cacheDir, { recursive: true });
  const made = await execa('python3', ['-m', 'venv', folder], {
    reject: false,
    timeout: INSTALL_MS,
  });
  if (made.failed) return { missing: `no Python environment: ${made.shortMessage ?? ''}` };
  const pip = ['-m', 'pip', 'install', '--quiet', `schemathesis==${VERSION}`];
  const installed = await execa(join(folder, 'bin', 'python'), pip, {
    reject: false,
    timeout: INSTALL_MS,
  });
  if (installed.failed) return { missing: `not from PyPI: ${installed.shortMessage ?? ''}` };
  // an environment cannot be moved, so a file says that it is whole
  await mkdir(join(folder, 'whole.new'), { recursive: true });
  await rename(join(folder, 'whole.new'), join(folder, 'whole'));
  return { program };
}
