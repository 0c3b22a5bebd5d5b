/** A segment as a segment index lists it. */
export interface IndexedSegment {
  /** First byte in the file. */
  readonly startByte: number;
  readonly sizeBytes: number;
  readonly durationSeconds: number;
}

/** The index of a single-file track: what ISO/IEC 14496-12 §8.16.3 (`sidx`) says. */
export interface SegmentIndex {
  /** Ticks per second. */
  readonly timescale: number;
  /** Presentation time of the first segment, seconds. */
  readonly startSeconds: number;
  readonly segments: readonly IndexedSegment[];
}

/**
 * Parses a `sidx` box. `box` holds the box from its size field on; `endByte` is the file position
 * right behind it, where offsets count from. Throws a RangeError for anything else than an index of
 * media (an index of indexes is not written by the packager).
 */
export function parseSidx(box: Buffer, endByte: number): SegmentIndex {
  if (box.toString('latin1', 4, 8) !== 'sidx') throw new RangeError('not a sidx box');
  const version = box.readUInt8(8);
  const timescale = box.readUInt32BE(16);
  const isWide = version > 0;
  const earliest = isWide ? Number(box.readBigUInt64BE(20)) : box.readUInt32BE(20);
  const firstOffset = isWide ? Number(box.readBigUInt64BE(28)) : box.readUInt32BE(24);
  const countAt = (isWide ? 36 : 28) + 2;
  const count = box.readUInt16BE(countAt);
  let startByte = endByte + firstOffset;
  const segments: IndexedSegment[] = [];
  for (let at = countAt + 2; segments.length < count; at += 12) {
    const reference = box.readUInt32BE(at);
    if (reference >>> 31 === 1) throw new RangeError('sidx refers to another sidx');
    const sizeBytes = reference & 0x7fffffff;
    segments.push({ startByte, sizeBytes, durationSeconds: box.readUInt32BE(at + 4) / timescale });
    startByte += sizeBytes;
  }
  return { timescale, startSeconds: earliest / timescale, segments };
}
