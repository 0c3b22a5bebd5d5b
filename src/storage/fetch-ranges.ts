import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { WorkError } from '../domain/failure.ts';
import { chunksOf } from './body-chunks.ts';
import { joinCrc32 } from './crc32.ts';
import { type Range, type RangeJournal, rangesOf } from './range-journal.ts';
import { BrokenOffError } from './remote-failure.ts';

const PARALLEL_RANGES = 4;

/** Bytes of one write: bodies come in pieces of 16 to 64 kB. */
const BATCH_BYTES = 1024 * 1024;

/** Tries of a range that bring nothing of it. */
const MOST_TRIES = 6;

/** A try that brings less than this counts as one that brings nothing. */
const WORTH_BYTES = 256 * 1024;

const FIRST_WAIT_MS = 200;

const PROGRESS_EVERY_MS = 250;

/** How a file is fetched in ranges. */
export interface FetchRangesOptions {
  readonly file: FileHandle;
  /** For failures: `fetching film/a.mp4`. */
  readonly doing: string;
  /** What of the file is there already, and where each range is noted that has arrived. */
  readonly journal: RangeJournal;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
  /** Asks for the bytes from `startByte` up to and without `endByte`. */
  readonly open: (startByte: number, endByte: number, signal: AbortSignal) => Promise<Readable>;
  /** Whether asking again may help. */
  readonly isTransient: (error: unknown) => boolean;
  readonly onProgress?: ((doneBytes: number) => void) | undefined;
}

/** A body that ended before its range did, or went on after it. */
class WrongLength extends Error {
  override readonly name = 'WrongLength';
}

/**
 * Fetches a file in ranges, several at once, each written where it belongs as it comes. A range that
 * breaks off is asked for again from where it broke, with growing waits, as often as that brings more of it, and
 * six times where it does not; one that the journal has is not fetched. Returns the CRC-32 of all.
 * The first failure ends the others; it is thrown when none is writing any more.
 */
export async function fetchRanges(options: FetchRangesOptions): Promise<number> {
  const ranges = rangesOf(options.sizeBytes);
  const checksums: number[] = [];
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const tell = createTeller(options.journal.keptBytes, options.onProgress);
  const queue = ranges.entries();
  const fetchAndNote = async (range: Range): Promise<number> => {
    const crc = await fetchRange(options, range, signal, tell);
    await options.journal.add(range, crc);
    return crc;
  };
  const run = async (): Promise<void> => {
    try {
      for (const [at, range] of queue) {
        signal.throwIfAborted();
        checksums[at] = options.journal.keptCrc(range) ?? (await fetchAndNote(range));
      }
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const runs = Array.from({ length: Math.min(PARALLEL_RANGES, ranges.length) }, run);
  const ends = await Promise.allSettled(runs);
  options.signal.throwIfAborted();
  if (ends.some((end) => end.status === 'rejected')) throw stop.signal.reason;
  options.onProgress?.(options.sizeBytes);
  return ranges.reduce(
    (sum, { startByte, endByte }, at) => joinCrc32(sum, checksums[at] ?? 0, endByte - startByte),
    0,
  );
}

function createTeller(
  keptBytes: number,
  onProgress: FetchRangesOptions['onProgress'],
): (bytes: number) => void {
  let doneBytes = keptBytes;
  let toldMs = Number.NEGATIVE_INFINITY;
  return (bytes) => {
    doneBytes += bytes;
    if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
    toldMs = performance.now();
    onProgress?.(doneBytes);
  };
}

async function fetchRange(
  options: FetchRangesOptions,
  { startByte, endByte }: Range,
  signal: AbortSignal,
  tell: (bytes: number) => void,
): Promise<number> {
  let at = startByte;
  let checksum = 0;
  let goodUntil = startByte;
  for (let tries = 1; ; tries++) {
    try {
      const body = await options.open(at, endByte, signal);
      for await (const batch of batchesOf(chunksOf(body, signal))) {
        const sizeBytes = sizeOf(batch);
        if (at + sizeBytes > endByte) throw new WrongLength('more bytes came than asked for');
        await writeFully(options.file, batch, at);
        checksum = batch.reduce((sum, chunk) => crc32(chunk, sum), checksum);
        at += sizeBytes;
        tell(sizeBytes);
      }
      if (at < endByte) throw new WrongLength('the answer ended early');
      return checksum;
    } catch (error) {
      signal.throwIfAborted();
      if (at - goodUntil >= WORTH_BYTES) [goodUntil, tries] = [at, 1];
      const isWorthwhile = error instanceof WrongLength || options.isTransient(error);
      if (!isWorthwhile || tries === MOST_TRIES) throw toFailure(options.doing, error);
      await delay(FIRST_WAIT_MS * 2 ** (tries - 1) * (0.5 + Math.random()), undefined, { signal });
    }
  }
}

/** What a body throws is told as the storage's failure; what the disk throws stays the disk's. */
function toFailure(doing: string, error: unknown): unknown {
  const { syscall = '' } = error as NodeJS.ErrnoException;
  const isOfDisk = ['write', 'writev'].includes(syscall);
  return error instanceof WorkError || isOfDisk ? error : new BrokenOffError(doing, error);
}

const sizeOf = (batch: readonly Buffer[]): number =>
  batch.reduce((sum, chunk) => sum + chunk.length, 0);

/** Gathers what is worth a write; what came before a body broke off is not lost. */
async function* batchesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  let batch: Buffer[] = [];
  try {
    for await (const chunk of chunks) {
      batch.push(chunk);
      if (sizeOf(batch) < BATCH_BYTES) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

async function writeFully(
  file: FileHandle,
  batch: readonly Buffer[],
  position: number,
): Promise<void> {
  let { bytesWritten: done } = await file.writev(batch, position);
  if (done === sizeOf(batch)) return;
  const bytes = Buffer.concat(batch);
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
