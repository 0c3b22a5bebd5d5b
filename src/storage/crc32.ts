const POLYNOMIAL = 0xedb88320;

/** A linear map over the 32 bits of a checksum: where each bit goes. */
type Matrix = Uint32Array;

function times(matrix: Matrix, vector: number): number {
  let sum = 0;
  for (let bit = 0; bit < 32; bit++) {
    if (((vector >>> bit) & 1) === 1) sum ^= matrix[bit] ?? 0;
  }
  return sum >>> 0;
}

const squareOf = (matrix: Matrix): Matrix => matrix.map((column) => times(matrix, column));

/** What one zero bit does to a checksum. */
const ONE_BIT: Matrix = Uint32Array.from({ length: 32 }, (_, bit) =>
  bit === 0 ? POLYNOMIAL : 2 ** (bit - 1),
);

/**
 * The CRC-32 (ISO-HDLC, zlib's) of two stretches of bytes that follow each other, of the CRC-32 of each
 * and the length of the second: stretches that arrive out of order need not be read again.
 */
export function joinCrc32(first: number, second: number, secondBytes: number): number {
  let step = squareOf(squareOf(squareOf(ONE_BIT)));
  let sum = first;
  for (let left = secondBytes; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) sum = times(step, sum);
    step = squareOf(step);
  }
  return (sum ^ second) >>> 0;
}

/** A checksum as S3 writes it: four bytes, big-endian, base64. */
export function toBase64(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}
