import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../run-command.ts';

/** No answer for this long means that the download is out of reach. */
const SILENCE_MS = 30_000;
const LOOK_MS = 1_000;
const LIMIT_MS = 15 * 60 * 1_000;

/**
 * Lets the SDK download a Temporal CLI into `folder`; `note` hears how much is there. Undefined where the
 * download is out of reach, or stands still for 30 s. It runs in a process of its own: the SDK's download
 * cannot be broken off.
 */
export async function downloadTemporal(
  folder: string,
  note: (detail: string) => void,
): Promise<string | undefined> {
  const silence = new AbortController();
  let lastBytes = 0;
  let lastGrowth = performance.now();
  const look = async (): Promise<void> => {
    const bytes = await sizeOf(folder);
    if (bytes > lastBytes) {
      lastBytes = bytes;
      lastGrowth = performance.now();
      note(`${Math.round(bytes / 1e6)} MB`);
    } else if (performance.now() - lastGrowth > SILENCE_MS) {
      silence.abort();
    }
  };
  const watch = setInterval(() => void look(), LOOK_MS);
  try {
    const script = fileURLToPath(new URL('./temporal-download-main.ts', import.meta.url));
    const end = await runCommand(process.execPath, [script, folder], {
      timeoutMs: LIMIT_MS,
      signal: silence.signal,
    });
    if (!end.isOk) return undefined;
    const name = (await readdir(folder)).find((one) => one.startsWith('temporal'));
    return name === undefined ? undefined : join(folder, name);
  } finally {
    clearInterval(watch);
  }
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        (one) => one.size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
