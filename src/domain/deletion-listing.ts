import { WorkError } from './failure.ts';

/** A file that is to be deleted. */
export interface ListedFile {
  readonly key: string;
  readonly sizeBytes: number;
}

/** A row of the listing in a job's log. */
export interface ListingRow {
  readonly message: string;
  readonly isVisible: boolean;
}

const NAMES_PER_ROW = 100;
/** Later rows are shown with `show_all=1`. */
const VISIBLE_ROWS = 10;

/**
 * What a job's log says before files are deleted: how many and how large, then all their names, a hundred
 * a row. `where` is the full path of the folder below which they are; `nameOf` how a key is shown.
 */
export function buildDeletionListing(
  where: string,
  files: readonly ListedFile[],
  nameOf: (key: string) => string,
): readonly ListingRow[] {
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const head = `Deleting ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${bytes} bytes, below ${where}`;
  const rows: ListingRow[] = [{ message: head, isVisible: true }];
  for (let at = 0; at < files.length; at += NAMES_PER_ROW) {
    const names = files.slice(at, at + NAMES_PER_ROW).map((file) => nameOf(file.key));
    const isVisible = at / NAMES_PER_ROW < VISIBLE_ROWS;
    rows.push({ message: `Deleting: ${names.join(', ')}`, isVisible });
  }
  return rows;
}

/** Why a folder without files is not deleted, by full path: a slip of the pen shall be seen. */
export const holdsNoFiles = (where: string): WorkError =>
  new WorkError('InvalidInput', `${where} holds no files; nothing was deleted`);

/** Why a folder is not deleted, by full path, in or below which an operator has put the root of a client. */
export const holdsClientRoot = (where: string): WorkError =>
  new WorkError(
    'InvalidInput',
    `${where} holds the root of a client; name a folder below it. Nothing was deleted`,
  );
