import { chown, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../run-command.ts';
import { SetupError } from './error.ts';

/** How a program that refuses root is run by root. */
export interface Unprivileged {
  /** What goes before the program. */
  readonly prefix: readonly string[];
  /** Gives it a folder that it must own; does nothing where it owns what we own. */
  readonly adopt: (folder: string) => Promise<void>;
}

/** In the user database of every Debian-like system: initdb looks its user's name up. */
const NOBODY = 65_534;

/**
 * As root: a user namespace in which we are somebody else, since files stay root's there and no parent
 * folder must be readable; where namespaces are forbidden (many containers), user `nobody`, who may pass
 * closed folders (CAP_DAC_OVERRIDE). As anybody else: nothing.
 */
export async function findUnprivileged(): Promise<Unprivileged> {
  const keep = () => Promise.resolve();
  if (process.getuid?.() !== 0) return { prefix: [], adopt: keep };
  const namespace = ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--'];
  if (await runs(namespace)) return { prefix: namespace, adopt: (folder) => giveTo(folder, 0) };
  const nobody = [
    'setpriv',
    `--reuid=${NOBODY}`,
    `--regid=${NOBODY}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    // access(2), by which initdb looks for its neighbours, ignores the capability otherwise
    '--securebits=+no_setuid_fixup',
    '--',
  ];
  if (await runs(nobody)) return { prefix: nobody, adopt: (folder) => giveTo(folder, NOBODY) };
  throw new SetupError(
    'Postgres refuses to run as root, and neither a user namespace (unshare) nor another user (setpriv) ' +
      'can be had here. Run as another user, or set DATABASE_URL',
  );
}

const runs = async (prefix: readonly string[]): Promise<boolean> => {
  const [file = '', ...args] = prefix;
  return (await runCommand(file, [...args, 'true'], { timeoutMs: 10_000 })).isOk;
};

/** Changes the owner of a folder and all in it, where it is not the owner already. */
async function giveTo(folder: string, uid: number): Promise<void> {
  if ((await stat(folder)).uid === uid) return;
  await chown(folder, uid, uid);
  for (const entry of await readdir(folder, { recursive: true })) {
    await chown(join(folder, entry), uid, uid);
  }
}
