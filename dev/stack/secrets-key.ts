import { randomBytes, randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where in `DATA_DIR` the key lies; only its owner can read it. */
const FILE = 'secrets.key';

/**
 * The key of the embedded stack for what it keeps sealed, 32 bytes in base64: made once, then the same
 * at each start. Without the file, what was sealed with it cannot be opened again.
 */
export async function ensureSecretsKey(dataDir: string): Promise<string> {
  const file = join(dataDir, FILE);
  const known = await readIfThere(file);
  if (known !== undefined) return known;
  // linked when it is whole: a start that is cut off leaves no empty key
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flush: true });
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
  return (await readFile(file, 'utf8')).trim();
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
