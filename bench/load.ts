import { Pool } from 'undici';

/** What a round of requests came to. */
export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The middle one of some numbers; the mean of the middle two where their count is even. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = Math.floor(sorted.length / 2);
  const upper = sorted[at] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[at - 1] ?? Number.NaN) + upper) / 2;
}

/** The number that the share `part` of the numbers does not exceed. */
export function percentile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Posts `count` bodies over `concurrency` connections; throws at the first answer that is not 200. */
export async function postAll(options: {
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly count: number;
  readonly concurrency: number;
  readonly body: (at: number) => string;
}): Promise<LoadResult> {
  const pool = new Pool(options.origin, { connections: options.concurrency, pipelining: 1 });
  const durations: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < options.count) {
      const body = options.body(next++);
      const startedAt = performance.now();
      const answer = await pool.request({
        path: options.path,
        method: 'POST',
        headers: { ...options.headers, 'content-type': 'application/json' },
        body,
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${text}`);
      durations.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: options.concurrency }, lane));
  const seconds = (performance.now() - startedAt) / 1000;
  await pool.close();
  return {
    perSecond: options.count / seconds,
    p50Ms: percentile(durations, 0.5),
    p99Ms: percentile(durations, 0.99),
  };
}
