/** What a job takes of a tenant's storages. Locations are spelled as `src/storage/location.ts` spells them. */
export interface FolderClaims {
  /** Folders in which it writes or deletes files. */
  readonly writesTo: readonly string[];
  /** Folders out of which it reads. */
  readonly readsFrom: readonly string[];
  /** It deletes what is in the folders it writes to, and in folders below them. */
  readonly clears: boolean;
}

/** What a job claims that was kept before jobs had claims: it clashes with nothing. */
export const NO_CLAIMS: FolderClaims = { writesTo: [], readsFrom: [], clears: false };

/** Why two jobs may not run at once; `location` is the folder they clash on. */
export interface ClaimClash {
  /**
   * `writes`: the holder writes the same folder. `clears`: it deletes a folder that the other one uses.
   * `uses`: it uses a folder that the other one would delete.
   */
  readonly kind: 'writes' | 'clears' | 'uses';
  readonly location: string;
}

/** A folder and all folders above it, by the boundary `/`: `movie1` is not above `movie10/a`. */
export function* upwards(location: string): Iterable<string> {
  for (let end = location.length; end > 0; end = location.lastIndexOf('/', end - 1)) {
    yield location.slice(0, end);
  }
}

/**
 * The folders that jobs of one tenant hold. Two claims clash where both write the same folder, or where
 * one clears a folder and the other writes to or reads from it or a folder below it. `clashesWith` of the
 * store says the same in SQL.
 */
export class HeldFolders {
  readonly #written = new Map<string, number>();
  readonly #cleared = new Map<string, number>();
  /** Every folder that is used, with those above it. */
  readonly #used = new Map<string, number>();

  /** Adds what a job claims; of several that hold a folder the first is told of. */
  add(jobId: number, claims: FolderClaims): void {
    const keep = (map: Map<string, number>, location: string): void => {
      if (!map.has(location)) map.set(location, jobId);
    };
    for (const location of claims.writesTo) {
      keep(this.#written, location);
      if (claims.clears) keep(this.#cleared, location);
    }
    for (const location of [...claims.writesTo, ...claims.readsFrom]) {
      for (const above of upwards(location)) {
        // with a folder all above it were noted
        if (this.#used.has(above)) break;
        this.#used.set(above, jobId);
      }
    }
  }

  /** A job whose claims clash with these, and how; undefined where there is none. */
  find(claims: FolderClaims): (ClaimClash & { readonly jobId: number }) | undefined {
    for (const location of claims.writesTo) {
      const jobId = this.#written.get(location);
      if (jobId !== undefined) return { jobId, kind: 'writes', location };
    }
    const used = this.#cleared.size === 0 ? [] : [...claims.writesTo, ...claims.readsFrom];
    for (const location of used) {
      for (const above of upwards(location)) {
        const jobId = this.#cleared.get(above);
        if (jobId !== undefined) return { jobId, kind: 'clears', location: above };
      }
    }
    if (!claims.clears) return undefined;
    for (const location of claims.writesTo) {
      const jobId = this.#used.get(location);
      if (jobId !== undefined) return { jobId, kind: 'uses', location };
    }
    return undefined;
  }
}

/** How what a job claims clashes with what another one holds; undefined where both may run at once. */
export function findClash(holder: FolderClaims, claims: FolderClaims): ClaimClash | undefined {
  const held = new HeldFolders();
  held.add(0, holder);
  const found = held.find(claims);
  return found && { kind: found.kind, location: found.location };
}

const VERBS: Readonly<Record<ClaimClash['kind'], string>> = {
  writes: 'writes the same folder',
  clears: 'deletes the folder',
  uses: 'works in the folder that this one deletes',
};

/** What the holder does, to go behind its name: `writes the same folder: local:/srv/out/acme/movie`. */
export const describeClash = ({ kind, location }: ClaimClash): string =>
  `${VERBS[kind]}: ${location}`;

/** What several jobs claim as one: what clashes with it clashes with one of them. All or none clear. */
export const mergeClaims = (all: readonly FolderClaims[]): FolderClaims => ({
  writesTo: [...new Set(all.flatMap((one) => one.writesTo))],
  readsFrom: [...new Set(all.flatMap((one) => one.readsFrom))],
  clears: all.some((one) => one.clears),
});
