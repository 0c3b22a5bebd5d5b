import { type Movie, readMovie } from '../mp4/movie.ts';
import { readDeclaredSize } from './declared-size.ts';
import { invalid } from './invalid.ts';

/** Media that an edit list may hide: encoders put some audio before the start, up to 0.1 s. */
const MOST_HIDDEN_SECONDS = 0.25;

/**
 * Compares what a container promises with the file's size, exact to the byte and without any tool, and
 * looks at what its edit lists hide. Returns the boxes of an ISO base media file, undefined for another
 * container. Throws a WorkError `InvalidMedia`.
 */
export async function readStructure(file: {
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
}): Promise<Movie | undefined> {
  let movie: Movie | undefined;
  try {
    movie = await readMovie(file.path);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid(file.name, 'is damaged: its index (moov) cannot be read', error);
  }
  const declaredBytes =
    movie === undefined ? await readDeclaredSize(file.path) : file.sizeBytes + movie.missingBytes;
  if (declaredBytes !== undefined && declaredBytes > file.sizeBytes) {
    const what =
      movie?.hasIndex === false
        ? 'is damaged, cut short or no media file: it has no index (moov),'
        : 'is cut short or damaged: it has';
    throw invalid(
      file.name,
      `${what} ${file.sizeBytes} bytes and should have at least ${declaredBytes}`,
    );
  }
  for (const track of movie?.tracks ?? []) {
    if (track.kind === 'other') continue;
    if (track.edits > 1) {
      throw invalid(
        file.name,
        `plays ${track.edits} pieces of its ${track.kind} track by an edit list; export it again as one piece`,
      );
    }
    if (track.hiddenSeconds > MOST_HIDDEN_SECONDS) {
      throw invalid(
        file.name,
        `hides the first ${track.hiddenSeconds.toFixed(3)} s of its ${track.kind} track by an edit list: ` +
          'it was cut without encoding. Export it again so that it starts with a key frame',
      );
    }
  }
  return movie;
}
