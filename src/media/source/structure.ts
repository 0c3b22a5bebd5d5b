import { type Movie, readMovie } from '../mp4/movie.ts';
import type { ByteReader } from './byte-reader.ts';
import { describeDisguise } from './disguise.ts';
import { readDeclaredSize } from './declared-size.ts';
import { invalid } from './invalid.ts';

/** Media that an edit list may hide: encoders put some audio before the start, up to 0.1 s. */
const MOST_HIDDEN_SECONDS = 0.25;

/**
 * Compares what a container promises with the file's size, exact to the byte and without any tool, and
 * looks at what its edit lists hide; reads a small part of the file. Returns the boxes of an ISO base media
 * file, undefined for another container. Throws a WorkError `InvalidMedia`, with the client's file name, also
 * for a file that is empty or something else in disguise.
 */
export async function readStructure(name: string, file: ByteReader): Promise<Movie | undefined> {
  if (file.sizeBytes === 0) throw invalid(name, 'is empty (0 bytes)');
  const disguise = await describeDisguise(file);
  if (disguise !== undefined) {
    throw invalid(name, `is ${disguise}, not media; sources must be media files`);
  }
  let movie: Movie | undefined;
  try {
    movie = await readMovie(file);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid(name, 'is damaged: its index (moov) cannot be read', error);
  }
  const declaredBytes =
    movie === undefined ? await readDeclaredSize(file) : file.sizeBytes + movie.missingBytes;
  if (declaredBytes !== undefined && declaredBytes > file.sizeBytes) {
    const what =
      movie?.hasIndex === false
        ? 'is damaged, cut short or no media file: it has no index (moov),'
        : 'is cut short or damaged: it has';
    throw invalid(
      name,
      `${what} ${file.sizeBytes} bytes and should have at least ${declaredBytes}`,
    );
  }
  for (const track of movie?.tracks ?? []) {
    if (track.kind === 'other') continue;
    if (track.edits > 1) {
      throw invalid(
        name,
        `plays ${track.edits} pieces of its ${track.kind} track by an edit list; export it again as one piece`,
      );
    }
    if (track.hiddenSeconds > MOST_HIDDEN_SECONDS) {
      throw invalid(
        name,
        `hides the first ${track.hiddenSeconds.toFixed(3)} s of its ${track.kind} track by an edit list: ` +
          'it was cut without encoding. Export it again so that it starts with a key frame',
      );
    }
  }
  return movie;
}
