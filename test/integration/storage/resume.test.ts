import { randomBytes } from 'node:crypto';
import {
  appendFile,
  mkdtemp,
  open,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STORAGE_KINDS } from '../../../src/domain/storage-kind.ts';
import { journalPath, RANGE_BYTES } from '../../../src/storage/range-journal.ts';
import { openTestStorage, type TestStorage } from '../../helpers/storages.ts';

const LAST_BYTES = 1_000_003;
const SIZE = RANGE_BYTES + LAST_BYTES;

describe.each(STORAGE_KINDS)('a resumable download from %s', (kind) => {
  let base: string;
  let storage: TestStorage;
  let content: Buffer;
  let path: string;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'task-engine-resume-'));
    path = join(base, 'down');
    storage = await openTestStorage(kind);
    content = await put(SIZE);
  });

  afterEach(async () => {
    await storage.remove();
    await rm(base, { recursive: true, force: true });
  });

  const put = async (sizeBytes: number): Promise<Buffer> => {
    const bytes = randomBytes(sizeBytes);
    await writeFile(join(base, 'up'), bytes);
    await storage.driver.upload(join(base, 'up'), 'film/a.mp4');
    return bytes;
  };

  /** Fetches; returns how much was on disk before, and the first progress that was told. */
  const fetchFile = async () => {
    const kept: number[] = [];
    const told: number[] = [];
    await storage.driver.download('film/a.mp4', path, {
      isResumable: true,
      onResumed: (keptBytes) => kept.push(keptBytes),
      onProgress: (doneBytes) => told.push(doneBytes),
    });
    expect(kept).toHaveLength(1);
    expect(told.at(-1)).toBe(SIZE);
    return { keptBytes: kept[0], firstTold: told[0] };
  };

  /** Leaves what a worker leaves that died when it had fetched these ranges and a bit of the others. */
  const dieAfter = async (ranges: readonly number[]): Promise<void> => {
    await fetchFile();
    const journal = await readFile(journalPath(path), 'utf8');
    const [head = '', ...lines] = journal.trimEnd().split('\n');
    const starts = ranges.map((at) => `${at * RANGE_BYTES} `);
    const left = lines.filter((line) => starts.some((start) => line.startsWith(start)));
    expect(left).toHaveLength(ranges.length);
    await writeFile(journalPath(path), [head, ...left, ''].join('\n'));
    const file = await open(path, 'r+');
    for (const at of [0, 1].filter((one) => !ranges.includes(one))) {
      await file.write(Buffer.alloc(900_000, 'x'), 0, 900_000, at * RANGE_BYTES);
    }
    await file.close();
  };

  const expectWhole = async (expected = content): Promise<void> => {
    expect((await readFile(path)).equals(expected)).toBe(true);
  };

  test('goes on from the ranges that are on disk, with its progress', async () => {
    await dieAfter([0]);
    const { keptBytes, firstTold } = await fetchFile();
    expect(keptBytes).toBe(RANGE_BYTES);
    expect(firstTold).toBeGreaterThanOrEqual(RANGE_BYTES);
    await expectWhole();
  });

  test('fetches nothing of a file that is whole', async () => {
    await fetchFile();
    expect(await fetchFile()).toEqual({ keptBytes: SIZE, firstTold: SIZE });
    await expectWhole();
  });

  test('fetches anew what the journal has and the disk has lost', async () => {
    await dieAfter([0, 1]);
    const file = await open(path, 'r+');
    await file.write(Buffer.alloc(4096), 0, 4096, 8192);
    await file.close();
    // a local copy goes on at the first gap; the last range is counted as kept, and checked with the rest
    expect((await fetchFile()).keptBytes).toBe(LAST_BYTES);
    await expectWhole();

    await truncate(path, RANGE_BYTES + 5);
    expect((await fetchFile()).keptBytes).toBe(RANGE_BYTES);
    await expectWhole();
  });

  test('takes journal lines that were cut for none, and writes on behind them', async () => {
    await dieAfter([0]);
    const cut = ['nonsense', `${RANGE_BYTES} ${SIZE} 1234`, `${RANGE_BYTES}`];
    await appendFile(journalPath(path), cut.join('\n'));
    expect((await fetchFile()).keptBytes).toBe(RANGE_BYTES);
    await expectWhole();
    expect((await fetchFile()).keptBytes).toBe(SIZE);
  });

  test('begins anew, out of reach of earlier writers, when the source is another one as long', async () => {
    await dieAfter([0, 1]);
    const { mtime } = await stat(path);
    const frozen = await open(path, 'r+');
    const other = await put(SIZE);
    // local disks: not even the time tells
    if (kind === 'local') await utimes(storage.driver.fullPath('film/a.mp4'), mtime, mtime);
    expect((await fetchFile()).keptBytes).toBe(0);
    await frozen.write(Buffer.alloc(4096, 'z'), 0, 4096, 0);
    await frozen.close();
    await expectWhole(other);
  });

  test('begins anew without a journal, or without the file of one', async () => {
    await fetchFile();
    await rm(journalPath(path));
    expect((await fetchFile()).keptBytes).toBe(0);
    await rm(path);
    expect((await fetchFile()).keptBytes).toBe(0);
    await expectWhole();
  });

  test('leaves what has arrived when it is aborted, and nothing when the bytes are wrong', async () => {
    await dieAfter([0]);
    const stop = new AbortController();
    const onResumed = () => stop.abort(new Error('stopped'));
    const options = { isResumable: true, signal: stop.signal, onResumed };
    await expect(storage.driver.download('film/a.mp4', path, options)).rejects.toThrow('stopped');
    expect((await fetchFile()).keptBytes).toBe(RANGE_BYTES);

    // longer than its source: nobody knows whose bytes these are
    await appendFile(path, 'more');
    await expect(fetchFile()).rejects.toMatchObject({ type: 'StorageFailed' });
    await expect(stat(path)).rejects.toThrow('ENOENT');
    await expect(stat(journalPath(path))).rejects.toThrow('ENOENT');
  });
});
