import { open } from 'node:fs/promises';

/** Bytes of a file, on disk or in a storage, of which only what is asked for is read. */
export interface ByteReader {
  readonly sizeBytes: number;
  /** The bytes from `at` on, `lengthBytes` of them or as many as there are. */
  readonly read: (at: number, lengthBytes: number) => Promise<Buffer>;
}

/** Runs `work` on a local file. */
export async function withLocalFile<Result>(
  path: string,
  work: (file: ByteReader) => Promise<Result>,
): Promise<Result> {
  const file = await open(path);
  try {
    const { size: sizeBytes } = await file.stat();
    return await work({
      sizeBytes,
      read: async (at, lengthBytes) => {
        const wanted = Math.max(0, Math.min(lengthBytes, sizeBytes - at));
        const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted), 0, wanted, at);
        return buffer.subarray(0, bytesRead);
      },
    });
  } finally {
    await file.close();
  }
}
