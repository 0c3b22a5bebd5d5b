import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinCrc32, toBase64 } from '../../../src/storage/crc32.ts';

test('the checksum of two stretches is that of both together, wherever they are cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(5000), (bytes, at) => {
      const [first, second] = [bytes.subarray(0, at), bytes.subarray(at)];
      expect(joinCrc32(crc32(first), crc32(second), second.length)).toBe(crc32(bytes));
    }),
    { numRuns: 500 },
  );
});

test('stretches of many megabytes are joined as well', () => {
  const bytes = randomBytes(40 * 1024 * 1024);
  const at = 32 * 1024 * 1024;
  const [first, second] = [bytes.subarray(0, at), bytes.subarray(at)];
  expect(joinCrc32(crc32(first), crc32(second), second.length)).toBe(crc32(bytes));
});

test('a checksum is written as four bytes in base64', () => {
  // RFC 3720 §B.4 has none for CRC-32; this is that of the empty text and of "a" by zlib
  expect(toBase64(0)).toBe('AAAAAA==');
  expect(Buffer.from(toBase64(crc32('a')), 'base64').toString('hex')).toBe('e8b7be43');
});
