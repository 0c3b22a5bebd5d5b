import { readFile } from 'node:fs/promises';

/**
 * What tells a process from a later one with the same id: its start time in clock ticks since boot
 * (field 22 of `/proc/<pid>/stat`, proc(5)); empty where there is no `/proc`.
 */
export async function processStart(pid: number): Promise<string> {
  const fields = await statFields(pid);
  return fields?.[19] ?? '';
}

/**
 * True while the process runs. A zombie does not run: where process 1 reaps nobody (many containers)
 * zombies stay for ever, and a bare `kill(pid, 0)` takes them for alive.
 */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const state = (await statFields(pid))?.[0];
  return state !== 'Z' && state !== 'X';
}

/** The fields of `/proc/<pid>/stat` after the program's name, which may hold spaces and brackets. */
async function statFields(pid: number): Promise<readonly string[] | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
