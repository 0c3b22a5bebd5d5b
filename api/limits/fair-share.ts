/** Places of one tenant, and those that wait for one. */
interface Share {
  underWay: number;
  /** First come first served. */
  readonly waiting: Set<() => void>;
}

/** Lets so many requests of each tenant be worked on at once. */
export interface FairShare {
  /**
   * Resolves when it is the request's turn, to what gives its place on; undefined where none came free
   * in time.
   */
  readonly enter: (tenantId: number) => Promise<(() => void) | undefined>;
}

/** Makes a {@link FairShare}: who finds `atOnce` requests of its tenant under way waits, `longestMs` at most. */
export function createFairShare(options: {
  readonly atOnce: number;
  readonly longestMs: number;
}): FairShare {
  const shares = new Map<number, Share>();

  const leave = (tenantId: number, share: Share): void => {
    const [next] = share.waiting;
    // a place goes from hand to hand: nobody can slip in between
    if (next !== undefined) next();
    else share.underWay -= 1;
    if (share.underWay === 0) shares.delete(tenantId);
  };

  const untilTurn = (share: Share): Promise<boolean> =>
    new Promise((resolve) => {
      const end = (isTurn: boolean): void => {
        clearTimeout(timer);
        share.waiting.delete(take);
        resolve(isTurn);
      };
      const take = (): void => end(true);
      const timer = setTimeout(() => end(false), options.longestMs);
      share.waiting.add(take);
    });

  return {
    enter: async (tenantId) => {
      const share = shares.get(tenantId) ?? { underWay: 0, waiting: new Set() };
      shares.set(tenantId, share);
      if (share.underWay < options.atOnce) share.underWay += 1;
      else if (!(await untilTurn(share))) return undefined;
      return () => leave(tenantId, share);
    },
  };
}
