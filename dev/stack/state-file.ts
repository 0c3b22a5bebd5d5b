import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where everything is; the content of `stack.json`. A piece that is not up, or not ours, has no pid. */
export interface StackAddresses {
  readonly api: { readonly url: string; readonly pid?: number };
  readonly worker: { readonly pid?: number };
  readonly temporal: { readonly address: string; readonly ui: string; readonly pid?: number };
  readonly postgres: { readonly url: string; readonly pid?: number };
}

/** The name of a piece in `stack.json`. */
export type PieceName = keyof StackAddresses;

/** The addresses with the process ids that are known now. */
export function withPids(
  addresses: StackAddresses,
  pids: Readonly<Partial<Record<PieceName, number>>>,
): StackAddresses {
  const pid = (name: PieceName) => (pids[name] === undefined ? {} : { pid: pids[name] });
  return {
    api: { ...addresses.api, ...pid('api') },
    worker: { ...addresses.worker, ...pid('worker') },
    temporal: { ...addresses.temporal, ...pid('temporal') },
    postgres: { ...addresses.postgres, ...pid('postgres') },
  };
}

/** `DATA_DIR/stack.json`, there while the stack is up. */
export interface StateFile {
  /** Replaces the content, whole or not at all: a reader never sees half a file. */
  readonly write: (addresses: StackAddresses) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** The state file of a data folder. Writes are made in the order they are asked for. */
export function createStateFile(dataDir: string): StateFile {
  const file = join(dataDir, 'stack.json');
  let last: Promise<void> = Promise.resolve();
  const afterLast = (work: () => Promise<void>): Promise<void> => {
    last = last.then(work);
    return last;
  };
  return {
    write: (addresses) =>
      afterLast(async () => {
        await writeFile(`${file}.tmp`, `${JSON.stringify(addresses, null, 2)}\n`, { mode: 0o600 });
        await rename(`${file}.tmp`, file);
      }),
    remove: () => afterLast(() => rm(file, { force: true })),
  };
}
