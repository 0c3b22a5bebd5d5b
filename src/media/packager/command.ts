/** A stream for the packager, in generated names only: its descriptors cannot quote a comma. */
export interface PackagerStream {
  readonly kind: 'video' | 'audio';
  /** Source file; its first stream of the kind is taken. */
  readonly input: string;
  /** Written whole into this file. */
  readonly output: string;
}

/** Length of a segment in seconds; a segment ends at the next key frame. */
export const SEGMENT_SECONDS = 4;

/** Name of the packager's own manifest, which is read for codecs and bit rates and thrown away. */
export const PACKAGER_MPD = 'packager.mpd';

const SAFE_PATH = /^[A-Za-z0-9_./-]+$/;

/**
 * Arguments of shaka-packager: each stream into one CMAF file with byte ranges (on-demand profile).
 * Throws a RangeError for a path that its descriptors would misread: a comma in a name adds a field.
 */
export function buildPackagerArgs(
  streams: readonly PackagerStream[],
  mpdPath: string,
  temporaryFolder: string,
): string[] {
  const descriptors = streams.map((stream) => {
    for (const path of [stream.input, stream.output]) {
      if (!SAFE_PATH.test(path))
        throw new RangeError(`${path} cannot stand in a stream descriptor`);
    }
    return `in=${stream.input},stream=${stream.kind},out=${stream.output}`;
  });
  return [
    ...descriptors,
    '--segment_duration',
    String(SEGMENT_SECONDS),
    '--fragment_duration',
    String(SEGMENT_SECONDS),
    // without it fragmented sources lose the offset between audio and video, 80 ms with two B-frames
    '--mp4_reset_initial_composition_offset_to_zero=false',
    // each track is written twice; the first copy must go with the attempt's folder, not stay in /tmp
    '--temp_dir',
    temporaryFolder,
    '--mpd_output',
    mpdPath,
    '--quiet',
  ];
}
