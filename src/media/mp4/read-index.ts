import { open } from 'node:fs/promises';
import { WorkError } from '../../domain/failure.ts';
import { parseSidx, type SegmentIndex } from './sidx.ts';

/** Where things are in a single-file track. */
export interface TrackLayout extends SegmentIndex {
  /** Bytes 0 up to and without this hold `ftyp` and `moov`. */
  readonly initEndByte: number;
  /** The `sidx` box: first byte, and the byte behind it. */
  readonly indexStartByte: number;
  readonly indexEndByte: number;
}

const HEADER_BYTES = 16;

/**
 * Walks the top-level boxes of a fragmented MP4 up to its `sidx` (ISO/IEC 14496-12 §4.2). Throws a
 * WorkError `ToolFailed` where there is none.
 */
export async function readTrackLayout(path: string): Promise<TrackLayout> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    let initEndByte = 0;
    for (let at = 0; at < size; ) {
      const { buffer } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, at);
      const type = buffer.toString('latin1', 4, 8);
      const short = buffer.readUInt32BE(0);
      const sizeBytes = short === 1 ? Number(buffer.readBigUInt64BE(8)) : short;
      if (sizeBytes < 8) break;
      if (type === 'moov') initEndByte = at + sizeBytes;
      if (type === 'sidx') {
        const box = Buffer.alloc(sizeBytes);
        await file.read(box, 0, sizeBytes, at);
        const indexEndByte = at + sizeBytes;
        return { ...parseSidx(box, indexEndByte), initEndByte, indexStartByte: at, indexEndByte };
      }
      at += sizeBytes;
    }
    throw new WorkError('ToolFailed', 'The packager wrote a track without a segment index');
  } finally {
    await file.close();
  }
}
