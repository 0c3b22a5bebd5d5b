import type { SourceRole } from '../../src/media/source/select.ts';

/** A source file before it is fetched. */
export interface SourceSize {
  readonly role: SourceRole;
  /** Lower case, without its dot. */
  readonly extension: string;
  readonly sizeBytes: number;
}

/** Extensions whose files the packager reads as they are; tracks of others are copied into an MP4 first. */
const PLAIN = ['mp4', 'm4v', 'm4a'];

/** The packager writes each track twice: a disk with 1.95 times the source’s length left is too small. */
const PACKAGED_COPIES = 2;

/** What a container has more than another; measured up to 1.2 %, from MKV with short packets. */
const CONTAINER_MARGIN = 1.02;

/** Documents, thumbnail and playlists. */
const FIXED_BYTES = 2_000_000;

/**
 * The most scratch that packaging these sources takes, bytes, at the moment when sources, copies for the
 * packager, both copies of its tracks and the MP4 are there at once.
 */
export function packagingNeedBytes(
  sources: readonly SourceSize[],
  options: { readonly makesMp4?: boolean },
): number {
  let bytes = FIXED_BYTES;
  for (const { role, extension, sizeBytes } of sources) {
    bytes += sizeBytes;
    // captions are converted, small as they are
    const copies =
      role === 'media'
        ? PACKAGED_COPIES +
          (PLAIN.includes(extension) ? 0 : 1) +
          (options.makesMp4 === true ? 1 : 0)
        : 1;
    bytes += copies * sizeBytes * CONTAINER_MARGIN;
  }
  return Math.ceil(bytes);
}
