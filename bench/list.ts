import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { freePort } from '../dev/stack/free-port.ts';
import { nodePiece } from '../dev/stack/pieces.ts';
import { loadJobs } from './list-jobs.ts';
import { type ListQuery, listQueries } from './list-queries.ts';
import { percentile } from './load.ts';
import { type BenchServices, createBenchDatabase, startServices } from './services.ts';

// `GET /jobs` over a million jobs, 10 rows, over HTTP, one request at a time: p50 and p99 of each filter and
// order. 900,000 of the jobs are of the tenant that asks, 100,000 of them queued.

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '1000000' },
    requests: { type: 'string', default: '100' },
    only: { type: 'string', default: '' },
  },
});
const JOBS = Number(values.jobs);
const REQUESTS = Number(values.requests);
const WARM_UP = 5;
const AIM_MS = 50;

/** The engine's API over a database of its own, full of jobs, and a way to ask it. */
async function start(services: BenchServices) {
  const databaseUrl = await createBenchDatabase(services, 'bench');
  const port = await freePort(0, 'PORT');
  const api = await nodePiece({
    name: 'api',
    script: 'api/main.ts',
    variables: {
      EMBEDDED: '1',
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: services.temporalAddress,
      DATA_DIR: services.folder,
      BOOTSTRAP_TENANTS: 'bench:bench-key-1',
      LOG_LEVEL: 'error',
      RATE_LIMIT_READS: '0',
      PORT: String(port),
    },
    logFile: join(services.folder, 'api.log'),
  }).start();
  const startedAt = performance.now();
  await loadJobs(databaseUrl, JOBS);
  console.log(`${JOBS} jobs loaded in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1, pipelining: 1 });
  return {
    get: async (path: string): Promise<readonly unknown[]> => {
      const answer = await pool.request({
        path,
        method: 'GET',
        headers: { client: 'bench', 'api-key': 'bench-key-1' },
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${text}`);
      return JSON.parse(text) as unknown[];
    },
    stop: async () => {
      await pool.close();
      await api.stop();
    },
  };
}

type Engine = Awaited<ReturnType<typeof start>>;

interface Measured {
  readonly query: ListQuery;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rows: number;
}

async function measure(engine: Engine, query: ListQuery): Promise<Measured> {
  const durations: number[] = [];
  let rows = 0;
  for (let at = 0; at < WARM_UP + REQUESTS; at++) {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query.query(at))) parameters.set(name, `${value}`);
    const sentAt = performance.now();
    const jobs = await engine.get(`/jobs?${parameters.toString()}`);
    if (at < WARM_UP) continue;
    durations.push(performance.now() - sentAt);
    rows = Math.max(rows, jobs.length);
  }
  return { query, rows, p50Ms: percentile(durations, 0.5), p99Ms: percentile(durations, 0.99) };
}

async function measureAll(engine: Engine): Promise<readonly Measured[]> {
  const results: Measured[] = [];
  for (const query of listQueries(JOBS)) {
    if (!query.name.includes(values.only)) continue;
    const one = await measure(engine, query);
    results.push(one);
    const figures = [one.p50Ms.toFixed(1), one.p99Ms.toFixed(1), String(one.rows)];
    const note = query.isLimit === true ? '  (limit)' : '';
    console.log(
      `${query.name.padEnd(46)} ${figures.map((text) => text.padStart(8)).join('')}${note}`,
    );
  }
  return results;
}

function report(results: readonly Measured[]): void {
  const worst = (of: readonly Measured[]): string =>
    (Math.max(0, ...of.map((one) => one.p99Ms)) / AIM_MS).toFixed(2);
  const bound = results.filter((one) => one.query.isLimit !== true);
  const limits = results.filter((one) => one.query.isLimit === true);
  const over = bound.filter((one) => one.p99Ms > AIM_MS);
  console.log(
    `GET /jobs, worst p99 / ${AIM_MS} ms  ${worst(bound)}   (aim 1 or less; ${bound.length} filters and orders, ${over.length} over it)`,
  );
  console.log(
    `GET /jobs, worst p99 / ${AIM_MS} ms, limits that docs/listing.md names  ${worst(limits)}   (no aim)`,
  );
}

const services = await startServices();
try {
  const engine = await start(services);
  try {
    console.log(`${'ms'.padEnd(46)} ${'p50     p99    rows'.padStart(24)}`);
    report(await measureAll(engine));
  } finally {
    await engine.stop();
  }
} finally {
  await services.stop();
}
process.exit(0);
