/** Counts what somebody does, by a key, against a rate. */
export interface RateLimiter {
  /** Takes one; seconds to wait where none is left, 0 where it was taken. */
  readonly take: (key: string) => number;
  /** Seconds until one is left, 0 where one is now. */
  readonly waitSeconds: (key: string) => number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

const MOST_KEYS = 10_000;

/**
 * Makes a {@link RateLimiter}: a bucket of `perMinute` tokens for each key, which fills in a minute, so
 * that a burst of a whole minute's number passes. 0 limits nothing. Memory is bounded: with more than
 * 10,000 keys, the one that took longest ago is forgotten, that is, starts with a full bucket.
 */
export function createRateLimiter(
  perMinute: number,
  options: { readonly mostKeys?: number; readonly nowMs?: () => number } = {},
): RateLimiter {
  const { mostKeys = MOST_KEYS, nowMs = () => performance.now() } = options;
  const perMs = perMinute / 60_000;
  const buckets = new Map<string, Bucket>();

  const tokensOf = (bucket: Bucket | undefined, now: number): number =>
    bucket === undefined
      ? perMinute
      : Math.min(perMinute, bucket.tokens + (now - bucket.atMs) * perMs);

  const secondsUntilOne = (tokens: number): number =>
    tokens >= 1 ? 0 : Math.max(1, Math.ceil((1 - tokens) / perMs / 1000));

  return {
    take: (key) => {
      if (perMinute === 0) return 0;
      const now = nowMs();
      const tokens = tokensOf(buckets.get(key), now);
      const wait = secondsUntilOne(tokens);
      // set anew, so that the first of the map is the oldest
      buckets.delete(key);
      buckets.set(key, { tokens: wait > 0 ? tokens : tokens - 1, atMs: now });
      const [oldest] = buckets.keys();
      if (buckets.size > mostKeys && oldest !== undefined) buckets.delete(oldest);
      return wait;
    },
    waitSeconds: (key) =>
      perMinute === 0 ? 0 : secondsUntilOne(tokensOf(buckets.get(key), nowMs())),
  };
}
