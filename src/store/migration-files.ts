import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'migrations');

/** First line of a migration whose statements run each by itself. */
const STEPWISE = '-- migrate: step by step';

/** One numbered file of `migrations/`. */
export interface Migration {
  /** The file's name without `.sql`; its number decides its place. */
  readonly name: string;
  readonly text: string;
  /**
   * False: one transaction, all or nothing. True: each statement by itself and for good, so that indexes
   * can be built `CONCURRENTLY` and no table stays locked from one statement to the next; one that broke
   * off is run again from its start, so every statement must bear that (`IF NOT EXISTS`, `OR REPLACE`).
   */
  readonly isStepwise: boolean;
}

let files: Promise<readonly Migration[]> | undefined;

/** All migrations of this version, in their order. */
export function readMigrations(): Promise<readonly Migration[]> {
  files ??= readFolder();
  return files;
}

async function readFolder(): Promise<readonly Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (file) => {
      const text = await readFile(join(FOLDER, file), 'utf8');
      return {
        name: file.replace(/\.sql$/, ''),
        text,
        isStepwise: text.startsWith(STEPWISE),
      };
    }),
  );
}
