import type { ByteReader } from '../source/byte-reader.ts';
import { childBoxes, findBox } from './boxes.ts';

/** A track as the boxes of a movie describe it. */
export interface MovieTrack {
  readonly kind: 'video' | 'audio' | 'other';
  /** Pieces of the track that its edit list plays; 0 where it has no edit list. */
  readonly edits: number;
  /** Media before the first presented sample that the edit list hides, seconds. */
  readonly hiddenSeconds: number;
}

/** What the boxes of an ISO base media file say (ISO/IEC 14496-12), read without any tool. */
export interface Movie {
  /** `qt  ` is QuickTime; undefined in files older than `ftyp`. */
  readonly majorBrand: string | undefined;
  /** Bytes that the boxes promise beyond the file's end; more than 0 in a file cut short. */
  readonly missingBytes: number;
  readonly hasIndex: boolean;
  readonly tracks: readonly MovieTrack[];
}

const HEADER_BYTES = 16;

/** Largest `moov` that is read, bytes: a day of video has some 60 MB. */
const MOST_INDEX_BYTES = 512 * 1024 * 1024;

const TOP_LEVEL =
  /^(?:ftyp|moov|mdat|moof|free|skip|wide|pnot|uuid|meta|sidx|ssix|styp|mfra|emsg|prft|udta|pdin)$/;

/** Reads the structure of a file, or undefined where it is no ISO base media file. */
export async function readMovie(file: ByteReader): Promise<Movie | undefined> {
  const { sizeBytes: fileBytes } = file;
  let majorBrand: string | undefined;
  let moov: Buffer | undefined;
  let endByte = 0;
  while (endByte + 8 <= fileBytes) {
    const header = await readPadded(file, endByte, HEADER_BYTES);
    const type = header.toString('latin1', 4, 8);
    if (!TOP_LEVEL.test(type)) break;
    const short = header.readUInt32BE(0);
    const sizeBytes =
      short === 0 ? fileBytes - endByte : short === 1 ? Number(header.readBigUInt64BE(8)) : short;
    if (sizeBytes < 8) break;
    if (type === 'ftyp') majorBrand = header.toString('latin1', 8, 12);
    if (type === 'moov' && endByte + sizeBytes <= fileBytes && sizeBytes <= MOST_INDEX_BYTES) {
      moov = await readPadded(file, endByte, sizeBytes);
    }
    endByte += sizeBytes;
  }
  if (endByte === 0) return undefined;
  return {
    majorBrand,
    missingBytes: Math.max(0, endByte - fileBytes),
    hasIndex: moov !== undefined,
    tracks: moov === undefined ? [] : parseTracks(moov),
  };
}

/** Bytes with zeros behind them where the file ends before. */
async function readPadded(file: ByteReader, at: number, lengthBytes: number): Promise<Buffer> {
  const bytes = await file.read(at, lengthBytes);
  return bytes.length === lengthBytes
    ? bytes
    : Buffer.concat([bytes, Buffer.alloc(lengthBytes - bytes.length)]);
}

const KINDS: Readonly<Record<string, MovieTrack['kind']>> = { vide: 'video', soun: 'audio' };

/** Tracks of a `moov` box. A box that is shorter than its fields throws a RangeError. */
export function parseTracks(moov: Buffer): readonly MovieTrack[] {
  return childBoxes(moov)
    .filter((box) => box.type === 'trak')
    .map(({ bytes: trak }) => {
      const mdhd = findBox(trak, 'mdia', 'mdhd');
      const timescale = mdhd?.readUInt32BE(mdhd.readUInt8(8) === 1 ? 28 : 20) ?? 1;
      const starts = editStarts(findBox(trak, 'edts', 'elst'));
      const offset = firstCompositionOffset(findBox(trak, 'mdia', 'minf', 'stbl', 'ctts'));
      const hdlr = findBox(trak, 'mdia', 'hdlr');
      return {
        kind: KINDS[hdlr?.toString('latin1', 16, 20) ?? ''] ?? 'other',
        edits: starts.length,
        hiddenSeconds: Math.max(0, ((starts[0] ?? 0) - offset) / timescale),
      };
    });
}

/** Media times at which the pieces of an `elst` start (§8.6.6), without the pieces that are a pause. */
function editStarts(elst: Buffer | undefined): readonly number[] {
  if (elst === undefined) return [];
  const isWide = elst.readUInt8(8) === 1;
  const [first, step] = isWide ? [24, 20] : [20, 12];
  const starts = Array.from({ length: elst.readUInt32BE(12) }, (_, entry) => {
    const at = first + entry * step;
    return isWide ? Number(elst.readBigInt64BE(at)) : elst.readInt32BE(at);
  });
  return starts.filter((start) => start !== -1);
}

/** Composition offset of the first sample, out of `ctts` (§8.6.1.3): B-frames shift it. */
function firstCompositionOffset(ctts: Buffer | undefined): number {
  if (ctts === undefined || ctts.readUInt32BE(12) === 0) return 0;
  return ctts.readInt32BE(20);
}
