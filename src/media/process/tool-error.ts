import { WorkError } from '../../domain/failure.ts';
import { toolName } from './command-line.ts';
import type { ToolResult } from './run-tool.ts';

const LINES = 3;
const LINE_LENGTH = 300;

/** What tools put before a line: ffmpeg's `[mov @ 0x5562]`, the packager's time, thread and source line. */
const LINE_PREFIX = /^(?:\[[^\]]* @ 0x[\da-f]+\] |[EWIF]\d{4} [\d:.]+ +\d+ \S+\.cc:\d+\] )+/;

/** The last lines a tool wrote to stderr, without folders: they are scratch paths of this host. */
export function describeStderr(stderrTail: string): string {
  const lines = stderrTail
    .split('\n')
    .map((line) => line.trim().replace(LINE_PREFIX, ''))
    .map((line) => line.replaceAll(/(?:file:)?(?:\/[^\s/:'"]+)+\//g, ''))
    .filter((line) => line !== '');
  return lines
    .slice(-LINES)
    .map((line) => line.slice(0, LINE_LENGTH))
    .join(' | ');
}

/** What a bad end of a tool was, in one sentence; undefined for a good one. */
export function describeEnd(result: ToolResult): string | undefined {
  const name = toolName(result.program);
  const tail = describeStderr(result.stderrTail);
  const because = tail === '' ? '' : `: ${tail}`;
  if (result.isCanceled) return `${name} was cancelled`;
  if (result.timedOut) return `${name} took too long and was stopped${because}`;
  if (result.isStalled) return `${name} made no progress and was stopped${because}`;
  if (result.signal !== null) return `${name} was ended by ${result.signal}${because}`;
  if (result.exitCode !== 0) return `${name} failed with exit code ${result.exitCode}${because}`;
  return undefined;
}

/** What ffmpeg says of a full disk, then what the packager says of one, which names no reason. */
const FULL_DISK =
  /No space left on device|Disk quota exceeded|running out of disk space|Fail(?:ed)? to write (?:to )?file/;

/**
 * Throws a WorkError `NoSpace` where a tool found the disk full, whatever its exit code: ffmpeg ends
 * with 0 when the disk is full at the file's end, and the packager calls its input unreadable.
 */
export function assertDiskNotFull(result: ToolResult, doing: string): void {
  if (result.isCanceled || !FULL_DISK.test(result.stderrTail)) return;
  throw new WorkError(
    'NoSpace',
    `No space for this job: the disk of its scratch files was full while ${doing}`,
  );
}

/** Throws a WorkError of type `ToolFailed`, or `NoSpace`, unless the tool ended well. */
export function assertToolSucceeded(result: ToolResult, doing: string): void {
  assertDiskNotFull(result, doing);
  const end = describeEnd(result);
  if (end === undefined) return;
  throw new WorkError('ToolFailed', `${end} (while ${doing})`);
}
