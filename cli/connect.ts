import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../src/config/config.ts';
import { CliError } from './command.ts';

/** What the command line works on. */
export interface Target {
  readonly databaseUrl: string;
  readonly secretsKeys: readonly Buffer[];
}

const readIfThere = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });

/** `postgres.url` of a `stack.json`. */
function databaseUrlIn(text: string, file: string): string {
  try {
    const { postgres } = JSON.parse(text) as { postgres?: { url?: unknown } };
    if (typeof postgres?.url === 'string') return postgres.url;
  } catch {
    // said below
  }
  throw new CliError(`${file} does not say where Postgres is; is it a stack's?`);
}

/** The database of the environment, else the one of the stack that runs in `DATA_DIR`, with its key. */
export async function findTarget(config: Config): Promise<Target> {
  if (config.databaseUrl !== undefined) {
    return { databaseUrl: config.databaseUrl, secretsKeys: config.secretsKeys };
  }
  const file = join(config.dataDir, 'stack.json');
  const text = await readIfThere(file);
  if (text === undefined) {
    throw new CliError(
      `No database: set DATABASE_URL, or start the stack first (npm start); there is no ${file}`,
    );
  }
  const key = await readIfThere(join(config.dataDir, 'secrets.key'));
  const secretsKeys =
    config.secretsKeys.length > 0 || key === undefined
      ? config.secretsKeys
      : [Buffer.from(key, 'base64')];
  return { databaseUrl: databaseUrlIn(text, file), secretsKeys };
}
