import { WorkError } from '../../domain/failure.ts';
import { isPublishedName } from '../asset/names.ts';
import { type SelectedSource, SOURCE_EXTENSIONS, selectSourceFiles } from './select.ts';

/** A source folder. */
export interface SourceFolder {
  /** Names of its files. */
  readonly names: readonly string[];
  /** Those of them that publications have left there: output and source folder are the same by default. */
  readonly published: ReadonlySet<string>;
  /** Stem of the job's asset. */
  readonly asset: string;
  /** The folder as the storage spells it, for people. */
  readonly fullPath: string;
}

const hasMedia = (sources: readonly SelectedSource[]): boolean =>
  sources.some((one) => one.role === 'media');

/**
 * The sources of a folder. Tracks that a publication left there are none; its MP4 is one only where
 * there is nothing else, or a rerun would package it beside the film it was made of. Throws a terminal
 * WorkError `InvalidInput` where the folder holds no media.
 */
export function findSources(folder: SourceFolder): readonly SelectedSource[] {
  const select = (isExcluded: (name: string) => boolean) =>
    selectSourceFiles(folder.names, {
      isExcluded: (name) => isPublishedName(folder.asset, name) || isExcluded(name),
    });
  const unpublished = select((name) => folder.published.has(name));
  const selected = hasMedia(unpublished) ? unpublished : select(() => false);
  if (hasMedia(selected)) return selected;
  throw new WorkError('InvalidInput', `No source found in ${folder.fullPath}: ${whyNone(folder)}`);
}

/** Names that a failure shows. */
const MOST_SHOWN = 5;

function whyNone({ names }: SourceFolder): string {
  if (names.length === 0) {
    return 'it holds no files, or does not exist; links on a disk and folders in it do not count';
  }
  const more = names.length > MOST_SHOWN ? ` and ${names.length - MOST_SHOWN} more` : '';
  const extensions = [...SOURCE_EXTENSIONS].filter(([, role]) => role === 'media');
  return (
    `it holds ${names.slice(0, MOST_SHOWN).join(', ')}${more}; ` +
    `a source is a file that was not published there, with one of the extensions ` +
    extensions.map(([extension]) => extension).join(', ')
  );
}
