/** A worker as Temporal saw it ask for work. */
export interface SeenPoller {
  /** `host/process@queue`. */
  readonly identity: string;
  /** When it last asked, milliseconds since 1970 UTC. */
  readonly polledAtMs: number;
}

/** A worker as it tells of itself. */
export interface TellingWorker {
  readonly identity: string;
  /** What it has in hand. */
  readonly working: number;
  /** False: it has stopped, or tells nothing any more. */
  readonly isAlive: boolean;
}

/** A worker that wants work asks at least this often: a poll lasts a minute. */
const POLLED_WITHIN_MS = 70_000;

/**
 * The workers of a queue. Temporal goes on listing a dead worker for minutes, and a worker whose hands
 * are full does not ask, so both sides are heard: a worker counts when it asked lately or has work in
 * hand, unless it tells nothing any more. With one side silent (undefined) the other one decides; null
 * where neither can be heard.
 */
export function countWorkers(
  pollers: readonly SeenPoller[] | undefined,
  reported: readonly TellingWorker[] | undefined,
  nowMs: number,
): number | null {
  const alive = (reported ?? []).filter((worker) => worker.isAlive);
  if (pollers === undefined) return reported === undefined ? null : alive.length;
  const dead = new Set((reported ?? []).flatMap((one) => (one.isAlive ? [] : [one.identity])));
  const counted = new Set(alive.flatMap((one) => (one.working > 0 ? [one.identity] : [])));
  for (const { identity, polledAtMs } of pollers) {
    if (nowMs - polledAtMs < POLLED_WITHIN_MS && !dead.has(identity)) counted.add(identity);
  }
  return counted.size;
}
