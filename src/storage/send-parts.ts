import type { FileHandle } from 'node:fs/promises';

/** Bytes of one part. Four parts of four files at once take 128 MB of memory. */
const PART_BYTES = 8 * 1024 * 1024;

/** S3 takes 10,000 parts, Azure 50,000 blocks. */
const MOST_PARTS = 9_000;

const PARALLEL_PARTS = 4;

/** Bytes of one file in memory at once. Parts grow with files of more than 75 GB: fewer go up at a time then. */
const MOST_BUFFERED_BYTES = 128 * 1024 * 1024;

/** One part of a file on its way up. Its bytes are overwritten when `send` has settled. */
export interface FilePart {
  /** Counted from 1. */
  readonly number: number;
  readonly bytes: Buffer;
}

/** How a file is sent in parts. */
export interface SendPartsOptions {
  readonly file: FileHandle;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
  readonly send: (part: FilePart, signal: AbortSignal) => Promise<void>;
  /** Given all bytes in their order, for the checksum of the whole. */
  readonly onRead: (bytes: Buffer) => void;
  readonly onProgress?: ((doneBytes: number) => void) | undefined;
}

/** Bytes of each part of a file of this length, but for the last: `leastBytes`, or as many as keep the parts few enough. */
export const partBytesOf = (sizeBytes: number, leastBytes = PART_BYTES): number =>
  Math.max(leastBytes, Math.ceil(sizeBytes / MOST_PARTS));

/**
 * Sends a file in parts, several at once, each read into memory so that it can be sent again. The
 * first failure ends the others; it is thrown when none is under way any more.
 */
export async function sendParts(options: SendPartsOptions): Promise<void> {
  const { file, sizeBytes, send } = options;
  const partBytes = partBytesOf(sizeBytes);
  const count = Math.ceil(sizeBytes / partBytes);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  let next = 0;
  let doneBytes = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const readPart = async (buffer: Buffer): Promise<FilePart | undefined> => {
    if (next === count) return undefined;
    const at = next * partBytes;
    const bytes = buffer.subarray(0, Math.min(partBytes, sizeBytes - at));
    await readFully(file, bytes, at);
    options.onRead(bytes);
    next += 1;
    return { number: next, bytes };
  };
  // one after the other: the checksum needs their order
  const readInTurn = (buffer: Buffer): Promise<FilePart | undefined> => {
    const mine = turn.then(() => readPart(buffer));
    turn = mine.catch(() => undefined);
    return mine;
  };
  const run = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafe(Math.min(partBytes, sizeBytes));
    try {
      for (;;) {
        signal.throwIfAborted();
        const part = await readInTurn(buffer);
        if (part === undefined) return;
        await send(part, signal);
        doneBytes += part.bytes.length;
        options.onProgress?.(doneBytes);
      }
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const parallel = Math.min(PARALLEL_PARTS, count, Math.floor(MOST_BUFFERED_BYTES / partBytes));
  const runs = Array.from({ length: Math.max(1, parallel) }, run);
  const ends = await Promise.allSettled(runs);
  options.signal.throwIfAborted();
  // the first failure, not those that its abort has caused
  if (ends.some((end) => end.status === 'rejected')) throw stop.signal.reason;
}

/** Fills `bytes` from a file, beginning at `position`. Throws where the file ends before. */
export async function readFully(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    at += bytesRead;
  }
}
