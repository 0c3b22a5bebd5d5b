import type { ByteReader } from './byte-reader.ts';

const HEAD_BYTES = 4096;
const EBML_HEADER = 0x1a45dfa3;
const EBML_SEGMENT = 0x18538067;

/**
 * How many bytes a Matroska or AVI file says it has, or undefined where it does not say (a stream that
 * was never finished, another container).
 */
export async function readDeclaredSize(file: ByteReader): Promise<number | undefined> {
  const head = await file.read(0, HEAD_BYTES);
  return declaredMatroskaSize(head) ?? declaredAviSize(head);
}

/** The end of the `Segment` that holds all of a Matroska file (RFC 9559 §5.1, RFC 8794 §6). */
export function declaredMatroskaSize(head: Buffer): number | undefined {
  if (head.length < 16 || head.readUInt32BE(0) !== EBML_HEADER) return undefined;
  const header = readVint(head, 4);
  if (header?.value === undefined) return undefined;
  const segmentAt = header.endByte + header.value;
  if (segmentAt + 12 > head.length || head.readUInt32BE(segmentAt) !== EBML_SEGMENT) {
    return undefined;
  }
  const size = readVint(head, segmentAt + 4);
  return size?.value === undefined ? undefined : size.endByte + size.value;
}

/** An EBML element size: its length is told by the leading zeros; all ones means unknown. */
function readVint(
  bytes: Buffer,
  at: number,
): { readonly value: number | undefined; readonly endByte: number } | undefined {
  const first = bytes[at];
  if (first === undefined || first === 0) return undefined;
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) return undefined;
  const mask = 2 ** (8 - length) - 1;
  const digits = [first & mask, ...bytes.subarray(at + 1, at + length)];
  const isUnknown = digits.every((digit, place) => digit === (place === 0 ? mask : 0xff));
  return {
    value: isUnknown ? undefined : digits.reduce((sum, digit) => sum * 256 + digit, 0),
    endByte: at + length,
  };
}

/** The size of an AVI file's first RIFF chunk; recorders that were cut off leave 0. */
export function declaredAviSize(head: Buffer): number | undefined {
  if (head.length < 12 || head.toString('latin1', 0, 4) !== 'RIFF') return undefined;
  if (head.toString('latin1', 8, 12) !== 'AVI ') return undefined;
  const sizeBytes = head.readUInt32LE(4);
  return sizeBytes === 0 || sizeBytes === 0xffffffff ? undefined : sizeBytes + 8;
}
