/** What a source file gives: streams to package, or subtitles to convert. */
export type SourceRole = 'media' | 'captions';

/** A file of the source folder that the job works on. */
export interface SelectedSource {
  /** Name inside the source folder, as the client wrote it. */
  readonly name: string;
  readonly role: SourceRole;
  /** Lower-case extension without its dot, from the allow-list; safe in a staged name. */
  readonly extension: string;
}

/** Extensions of sources by role. Anything else in the folder is left alone. */
export const SOURCE_EXTENSIONS: ReadonlyMap<string, SourceRole> = new Map([
  ['mp4', 'media'],
  ['m4v', 'media'],
  ['mov', 'media'],
  ['mkv', 'media'],
  ['mpg', 'media'],
  ['avi', 'media'],
  ['m4a', 'media'],
  ['srt', 'captions'],
  ['vtt', 'captions'],
]);

/** The extension of a file name in lower case without its dot, `''` where there is none. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? '' : name.slice(dot + 1).toLowerCase();
}

/**
 * The sources among the files of a folder, sorted by name so that two runs see the same order.
 * Hidden files are skipped (`._movie.mp4` is a Finder sidecar, not a movie). `options.isExcluded` keeps out what
 * an earlier job published into the same folder: `output_folder` is `source_folder` by default.
 */
export function selectSourceFiles(
  names: readonly string[],
  options: { readonly isExcluded?: (name: string) => boolean } = {},
): readonly SelectedSource[] {
  const selected: SelectedSource[] = [];
  for (const name of [...names].sort()) {
    const extension = extensionOf(name);
    const role = SOURCE_EXTENSIONS.get(extension);
    if (role === undefined || name.startsWith('.') || options.isExcluded?.(name) === true) continue;
    selected.push({ name, role, extension });
  }
  return selected;
}
