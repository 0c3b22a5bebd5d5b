import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where in `DATA_DIR` the key lies; only its owner can read it. */
const FILE = 'secrets.key';

/**
 * The key of the embedded stack for what it keeps sealed, 32 bytes in base64: made once, then the same
 * at each start. Without the file, what was sealed with it cannot be opened again.
 */
export async function ensureSecretsKey(dataDir: string): Promise<string> {
  const file = join(dataDir, FILE);
  try {
    await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}
