import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** A stretch of a file, from `startByte` up to and without `endByte`. */
export interface Range {
  readonly startByte: number;
  readonly endByte: number;
}

/** Bytes of a range that is fetched and journaled as one. */
export const RANGE_BYTES = 32 * 1024 * 1024;

/** The ranges of a file of this length, in order. */
export const rangesOf = (sizeBytes: number): readonly Range[] =>
  Array.from({ length: Math.ceil(sizeBytes / RANGE_BYTES) }, (_, at) => ({
    startByte: at * RANGE_BYTES,
    endByte: Math.min(sizeBytes, (at + 1) * RANGE_BYTES),
  }));

/** Which ranges of a local file have arrived, so that another download can go on from them. */
export interface RangeJournal {
  /** Bytes that were on disk when this download began. */
  readonly keptBytes: number;
  /** The CRC-32 of a range that was on disk already; undefined where it has to be fetched. */
  readonly keptCrc: (range: Range) => number | undefined;
  /** Notes a range all of whose bytes are written. */
  readonly add: (range: Range, crc: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** For downloads that begin anew after a failure. */
export const NO_JOURNAL: RangeJournal = {
  keptBytes: 0,
  keptCrc: () => undefined,
  add: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** Where the journal of a file is. */
export const journalPath = (path: string): string => `${path}.ranges`;

const LINE = /^(\d+) (\d+) ([0-9a-f]{8})$/;
const READ_BYTES = 1024 * 1024;

/**
 * Opens a file that is being fetched together with its journal: text, the identity of the source in the
 * first line, then `<start> <end> <CRC-32 in hex>` for each range that was written. Where the identity
 * is another one, both are made anew under new inodes, so a writer that still holds the old ones
 * cannot reach them. A range counts when its bytes, read again, have its CRC: a host that lost power
 * may have kept the line and lost the bytes.
 */
export async function openJournaled(
  path: string,
  source: { readonly identity: string; readonly sizeBytes: number },
  signal: AbortSignal,
): Promise<{ readonly file: FileHandle; readonly journal: RangeJournal }> {
  const head = JSON.stringify(source.identity);
  const lines = await readLines(path, head);
  if (lines === undefined) await removeJournaled(path);
  const file = await open(path, lines === undefined ? 'wx+' : 'r+');
  let log: FileHandle | undefined;
  try {
    log = await open(journalPath(path), lines === undefined ? 'ax' : 'a');
    // a line that a crash has cut ends here, and is none
    await log.appendFile(lines === undefined ? `${head}\n` : '\n');
    const kept = await findKept(file, rangesOf(source.sizeBytes), lines ?? [], signal);
    return { file, journal: toJournal(log, kept) };
  } catch (error) {
    await file.close();
    await log?.close();
    throw error;
  }
}

/** Removes a file and its journal. */
export async function removeJournaled(path: string): Promise<void> {
  // a journal never outlives its file
  await rm(journalPath(path), { force: true });
  await rm(path, { force: true });
}

/** The journal's lines; undefined where it or the file is missing, or is of another source. */
async function readLines(path: string, head: string): Promise<readonly string[] | undefined> {
  try {
    await (await open(path, 'r')).close();
    const [first, ...lines] = (await readFile(journalPath(path), 'utf8')).split('\n');
    // what follows the last line end is cut
    return first === head && lines.length > 0 ? lines.slice(0, -1) : undefined;
  } catch {
    return undefined;
  }
}

const keyOf = ({ startByte, endByte }: Range): string => `${startByte} ${endByte}`;

async function findKept(
  file: FileHandle,
  ranges: readonly Range[],
  lines: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, { readonly range: Range; readonly crc: number }>> {
  const journaled = new Map<string, number>();
  for (const line of lines) {
    const [, startByte, endByte, crc = ''] = LINE.exec(line) ?? [];
    if (startByte !== undefined) journaled.set(`${startByte} ${endByte}`, Number.parseInt(crc, 16));
  }
  const kept = new Map<string, { readonly range: Range; readonly crc: number }>();
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (const range of ranges) {
    const crc = journaled.get(keyOf(range));
    if (crc === undefined || (await crcOnDisk(file, range, buffer, signal)) !== crc) continue;
    kept.set(keyOf(range), { range, crc });
  }
  return kept;
}

/** The CRC-32 of a range as it is on disk; undefined where the file ends before. */
async function crcOnDisk(
  file: FileHandle,
  { startByte, endByte }: Range,
  buffer: Buffer,
  signal: AbortSignal,
): Promise<number | undefined> {
  let crc = 0;
  for (let at = startByte; at < endByte; ) {
    signal.throwIfAborted();
    const length = Math.min(buffer.length, endByte - at);
    const { bytesRead } = await file.read(buffer, 0, length, at);
    if (bytesRead === 0) return undefined;
    crc = crc32(buffer.subarray(0, bytesRead), crc);
    at += bytesRead;
  }
  return crc;
}

function toJournal(
  log: FileHandle,
  kept: ReadonlyMap<string, { readonly range: Range; readonly crc: number }>,
): RangeJournal {
  const sizes = [...kept.values()].map(({ range }) => range.endByte - range.startByte);
  return {
    keptBytes: sizes.reduce((sum, sizeBytes) => sum + sizeBytes, 0),
    keptCrc: (range) => kept.get(keyOf(range))?.crc,
    add: (range, crc) => log.appendFile(`${keyOf(range)} ${crc.toString(16).padStart(8, '0')}\n`),
    close: () => log.close(),
  };
}
