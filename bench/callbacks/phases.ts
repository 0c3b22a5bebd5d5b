import { median, percentile } from '../load.ts';
import type { BenchServices } from '../services.ts';
import { fillBacklog } from './backlog.ts';
import { createBareScript } from './bare.ts';
import { createCallbackEngine } from './engine.ts';
import { addJobs, addTenant, EVENTS_PER_JOB, forgetJobs, tellJobs } from './jobs.ts';
import { startReceivers } from './receivers.ts';

const LANES = 50;
/** Between two events of a job where latencies are measured, milliseconds: work that does not queue. */
const PAUSE_MS = 400;

/** Deliveries a second and milliseconds from event to 2xx of some runs. */
export interface Measured {
  readonly perSecond: number;
  readonly p95Ms: number;
}

const middle = (runs: readonly Measured[]): Measured => ({
  perSecond: median(runs.map((run) => run.perSecond)),
  p95Ms: median(runs.map((run) => run.p95Ms)),
});

/** Runs `work` until `count` callbacks have come. */
async function measure(
  receivers: Awaited<ReturnType<typeof startReceivers>>,
  count: number,
  work: () => Promise<unknown>,
): Promise<Measured> {
  receivers.reset();
  const startedAt = performance.now();
  await Promise.all([work(), receivers.until(count)]);
  const seconds = (performance.now() - startedAt) / 1000;
  return { perSecond: count / seconds, p95Ms: percentile(receivers.latenciesMs, 0.95) };
}

/** What the engine and the bare script came to. */
export interface Comparison {
  /** As fast as they go. */
  readonly rate: number;
  /** At the same pace, which neither has trouble with. */
  readonly p95Ms: number;
  readonly historyPerJob: number;
}

/** Callbacks of `jobs` jobs to `urls` receivers: the engine in turn with one awaited activity each. */
export async function compareWithActivities(
  services: BenchServices,
  options: { readonly jobs: number; readonly urls: number; readonly rounds: number },
): Promise<{ readonly engine: Comparison; readonly bare: Comparison; readonly ratio: number }> {
  const { jobs, rounds } = options;
  const receivers = await startReceivers(options.urls);
  const engine = await createCallbackEngine(services, 'compare');
  const bare = await createBareScript(services);
  const tenantId = await addTenant(engine.db, 'compare');
  const runEngine = async (pauseMs: number, some = jobs): Promise<Measured> => {
    const ids = await addJobs(engine.db, tenantId, receivers.urls, some);
    told += some;
    return measure(receivers, some * EVENTS_PER_JOB, () =>
      tellJobs(engine.db, ids, LANES, pauseMs),
    );
  };
  const runBare = (pauseMs: number, some = jobs): Promise<Measured> =>
    measure(receivers, some * EVENTS_PER_JOB, () => bare.run(receivers.urls, some, LANES, pauseMs));
  const runs = { engine: [] as Measured[], bare: [] as Measured[] };
  const paced = { engine: [] as Measured[], bare: [] as Measured[] };
  let told = 0;
  for (let round = 0; round < rounds; round++) {
    // one at a time, so that neither polls while the other is measured
    await engine.start();
    if (round === 0) await runEngine(0, 100);
    runs.engine.push(await runEngine(0));
    paced.engine.push(await runEngine(PAUSE_MS, LANES * 2));
    await engine.stop();
    await bare.start();
    if (round === 0) await runBare(0, 100);
    runs.bare.push(await runBare(0));
    paced.bare.push(await runBare(PAUSE_MS, LANES * 2));
    await bare.stop();
  }
  const result = {
    engine: {
      rate: middle(runs.engine).perSecond,
      p95Ms: middle(paced.engine).p95Ms,
      // once the workers have stopped, so that their last drains are in it
      historyPerJob: (await engine.countHistory()) / told,
    },
    bare: {
      rate: middle(runs.bare).perSecond,
      p95Ms: middle(paced.bare).p95Ms,
      historyPerJob: await bare.countHistory(),
    },
    ratio: median(runs.engine.map((run, at) => run.perSecond / (runs.bare[at]?.perSecond ?? 0))),
  };
  await Promise.all([engine.close(), bare.close(), receivers.close()]);
  return result;
}

/**
 * Milliseconds from event to 2xx (p95) at 20 healthy endpoints, alone and while one hangs with a thousand
 * events queued; the ratio is the median over the rounds.
 */
export async function measureBesideHung(
  services: BenchServices,
  rounds: number,
): Promise<{ readonly soloMs: number; readonly besideMs: number; readonly ratio: number }> {
  const healthy = await startReceivers(20);
  const hung = await startReceivers(1, true);
  const engine = await createCallbackEngine(services, 'hung');
  const [tenantId, other] = [
    await addTenant(engine.db, 'healthy'),
    await addTenant(engine.db, 'hung'),
  ];
  const run = async (): Promise<number> => {
    const ids = await addJobs(engine.db, tenantId, healthy.urls, LANES * 2);
    const work = () => tellJobs(engine.db, ids, LANES, PAUSE_MS);
    return (await measure(healthy, ids.length * EVENTS_PER_JOB, work)).p95Ms;
  };
  const [solo, beside]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await engine.start();
    // the first run after a start finds every endpoint without a workflow
    await run();
    solo.push(await run());
    const stuck = await addJobs(engine.db, other, hung.urls, Math.ceil(1000 / EVENTS_PER_JOB));
    await tellJobs(engine.db, stuck, 10);
    beside.push(await run());
    await engine.stop();
    await forgetJobs(engine.db, other);
  }
  await Promise.all([engine.close(), healthy.close(), hung.close()]);
  return {
    soloMs: median(solo),
    besideMs: median(beside),
    ratio: median(beside.map((ms, at) => ms / (solo[at] ?? 0))),
  };
}

/**
 * Deliveries a second to one healthy endpoint, in a database that holds nothing else and in one with many
 * endpoints that are dead or wait and all that is pending for them.
 */
export async function measureBesideBacklog(
  services: BenchServices,
  options: {
    readonly endpoints: number;
    readonly deliveries: number;
    readonly jobs: number;
    readonly rounds: number;
  },
): Promise<{ readonly emptyRate: number; readonly fullRate: number; readonly ratio: number }> {
  const receivers = await startReceivers(1);
  const empty = await createCallbackEngine(services, 'empty');
  const full = await createCallbackEngine(services, 'full');
  const tenants = new Map([
    [empty, await addTenant(empty.db, 'healthy')],
    [full, await addTenant(full.db, 'healthy')],
  ]);
  await fillBacklog(full.db, await addTenant(full.db, 'dead'), options);
  const rates = new Map<typeof empty, number[]>([
    [empty, []],
    [full, []],
  ]);
  for (let round = 0; round < options.rounds; round++) {
    for (const [engine, tenantId] of tenants) {
      const run = async (jobs: number): Promise<number> => {
        const ids = await addJobs(engine.db, tenantId, receivers.urls, jobs);
        const work = () => tellJobs(engine.db, ids, 10);
        return (await measure(receivers, jobs * EVENTS_PER_JOB, work)).perSecond;
      };
      await engine.start();
      await run(10);
      rates.get(engine)?.push(await run(options.jobs));
      await engine.stop();
    }
  }
  const [emptyRates, fullRates] = [rates.get(empty) ?? [], rates.get(full) ?? []];
  await Promise.all([empty.close(), full.close(), receivers.close()]);
  return {
    emptyRate: median(emptyRates),
    fullRate: median(fullRates),
    ratio: median(fullRates.map((rate, at) => rate / (emptyRates[at] ?? 0))),
  };
}
