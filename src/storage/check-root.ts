import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { StorageKind } from '../domain/storage-kind.ts';
import { codeOf, isMissing } from './local-failure.ts';
import type { StorageSide } from '../domain/storage-settings.ts';
import { WorkError } from '../domain/failure.ts';
import type { Storages, TenantRoots } from './storages.ts';

/** How long a bucket or container may take to answer, milliseconds. */
const PROBE_MS = 1000;

/** The roots of the server, for tenants without roots of their own. */
export interface SharedRoots {
  readonly localInputRoot: string;
  readonly localOutputRoot: string;
}

/** A tenant's storage, as far as its reachability goes. */
export interface TenantStorage {
  readonly name: string;
  readonly roots: TenantRoots;
  /** The kinds that its sources may be in. */
  readonly sources: readonly StorageKind[];
  /** The kinds that its assets may be written to. */
  readonly destinations: readonly StorageKind[];
}

/**
 * Why a tenant's sources cannot be read, or its assets not be written, or undefined where both can. A
 * root that an operator gave a tenant must be there; the server's own is made with the first file, so
 * the folder that it will be made in is looked at. A bucket or container is asked for one name of
 * what is in it. Tells no path.
 */
export async function checkTenantStorage(
  tenant: TenantStorage,
  shared: SharedRoots,
  storages: Storages,
): Promise<string | undefined> {
  const { name, sources, destinations } = tenant;
  const { inputRoot, outputRoot } = tenant.roots;
  const [input, output] = await Promise.all([
    checkEach(sources, (kind) =>
      kind === 'local'
        ? checkRoot(inputRoot, shared.localInputRoot, name, 'read')
        : checkRemote(storages, name, kind, 'input'),
    ),
    checkEach(destinations, (kind) =>
      kind === 'local'
        ? checkRoot(outputRoot, shared.localOutputRoot, name, 'written')
        : checkRemote(storages, name, kind, 'output'),
    ),
  ]);
  return describe(input, output);
}

async function checkEach(
  kinds: readonly StorageKind[],
  check: (kind: StorageKind) => Promise<string | undefined>,
): Promise<string | undefined> {
  const faults = (await Promise.all(kinds.map(check))).filter((fault) => fault !== undefined);
  return faults.length === 0 ? undefined : faults.join(', ');
}

/** {@link checkTenantStorage} for the server's own roots, whoever's they will be. */
export async function checkSharedRoots(shared: SharedRoots): Promise<string | undefined> {
  const [input, output] = await Promise.all([
    checkRoot(null, shared.localInputRoot, '', 'read'),
    checkRoot(null, shared.localOutputRoot, '', 'written'),
  ]);
  return describe(input, output);
}

function describe(input: string | undefined, output: string | undefined): string | undefined {
  const faults = [
    ...(input === undefined ? [] : [`input: ${input}`]),
    ...(output === undefined ? [] : [`output: ${output}`]),
  ];
  return faults.length === 0 ? undefined : faults.join('; ');
}

async function checkRemote(
  storages: Storages,
  tenant: string,
  kind: StorageKind,
  side: StorageSide,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(PROBE_MS);
  try {
    const storage = await storages.open({ tenant, kind, side });
    await storage.probe(signal);
    return undefined;
  } catch (error) {
    if (error instanceof WorkError) return error.message;
    if (signal.aborted) return `${kind} gave no answer within ${PROBE_MS / 1000} s`;
    throw error;
  }
}

const MODES = {
  read: constants.R_OK | constants.X_OK,
  written: constants.R_OK | constants.W_OK | constants.X_OK,
} as const;

async function checkRoot(
  own: string | null,
  shared: string,
  tenant: string,
  use: keyof typeof MODES,
): Promise<string | undefined> {
  try {
    const root = own ?? (await nearestExisting(join(shared, tenant)));
    if (!(await stat(root)).isDirectory()) return 'the root is no folder';
    await access(root, MODES[use]);
    return undefined;
  } catch (error) {
    if (isMissing(error)) return 'the root does not exist';
    return `the root cannot be ${use} (${codeOf(error) ?? 'unknown'})`;
  }
}

async function nearestExisting(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    if (!isMissing(error) || dirname(path) === path) throw error;
    return nearestExisting(dirname(path));
  }
}
