import type { JobResult } from '../../../src/domain/callback.ts';
import type { StorageKind } from '../../../src/domain/storage-kind.ts';
import type { KeptFile } from '../../../src/store/former-publications.ts';
import type { Task } from '../../task.ts';

/** A new publication of an asset. */
export interface Publication {
  readonly tenant: string;
  readonly storage: StorageKind;
  readonly folder: string;
  /** Where the output folder is, see `locationOf`. */
  readonly location: string;
  /** Stem of the asset's names. */
  readonly asset: string;
  /** Keys of all its files. */
  readonly files: readonly string[];
  /** What the job end will tell. */
  readonly result: JobResult;
  /** Other assets in the folder are deleted with this switch, and must be forgotten. */
  readonly isAlone?: boolean;
}

/** What is on air before a switch and can be put back after it. */
export interface FormerAsset {
  /** The job that published it; null where no job of this engine has. */
  readonly jobId: number | null;
  /** Keys of its files, as far as this engine knows them. */
  readonly files: readonly string[];
}

/** What a switch has replaced and nothing needs any more. */
export interface Replaced {
  /** Keys of fixed names that the new asset has no more; they are kept under others for an undo. */
  readonly dropped: readonly string[];
  /** The record of a publication that is not put back any more, for `purgeFormer`; undefined where it may be. */
  readonly formerId: number | undefined;
}

/** The one moment at which an asset changes. */
export interface PublicationPort {
  /** Keys of all files that the tenant's publications have at a location. */
  filesAt(tenant: string, location: string): Promise<readonly string[]>;

  /**
   * Runs `writeManifests` while this attempt is proved to own its task, records the publication and
   * the job's result, and returns what it has replaced and nothing needs any more.
   * `former` is what must be kept, as the tenant may still want it back: `writeManifests` returns under
   * which names it kept the files that it was about to overwrite. It is undefined where this job's own
   * publication is on air already: an earlier attempt was lost after its switch. Throws a WorkError
   * `Superseded`, with nothing written, where another attempt took over. Where `writeManifests` throws,
   * nothing is recorded. It calls `proveOwner` before each file that it changes: that throws where the
   * proof is lost meanwhile, with the connection that holds it.
   */
  switchOver(
    task: Task,
    publication: Publication,
    writeManifests: (
      proveOwner: () => Promise<void>,
      former: FormerAsset | undefined,
    ) => Promise<readonly KeptFile[]>,
  ): Promise<Replaced>;
}

/** Ends a switch that was only begun for its proof of ownership. */
class NoSwitch extends Error {
  override readonly name = 'NoSwitch';
}

/**
 * Runs `work` while this attempt is proved to own its task, and records nothing. Throws a WorkError
 * `Superseded`, with `work` not run, where another attempt took over.
 */
export async function whileOwner(
  port: PublicationPort,
  task: Task,
  publication: Publication,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await port.switchOver(task, publication, async () => {
      await work();
      throw new NoSwitch();
    });
  } catch (error) {
    if (!(error instanceof NoSwitch)) throw error;
  }
}
