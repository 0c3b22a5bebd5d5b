import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../dev/stack/free-port.ts';
import { nodePiece } from '../dev/stack/pieces.ts';
import { type LoadResult, median, postAll } from './load.ts';
import { createBenchDatabase, startServices } from './services.ts';

// `POST /job` a second and its p99, against a bare Hono route that inserts one row with the same driver.
// Each is one process over one Postgres, rounds in turn; the ratio is the median over the rounds.

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '7' },
    concurrency: { type: 'string', default: '50' },
  },
});
const COUNT = Number(values.requests);
const CONCURRENCY = Number(values.concurrency);
const AIM = 0.6;

const services = await startServices({ isDurable: true });
const databaseUrl = await createBenchDatabase(services, 'bench');
const variables = {
  EMBEDDED: '1',
  DATABASE_URL: databaseUrl,
  TEMPORAL_ADDRESS: services.temporalAddress,
  DATA_DIR: services.folder,
  BOOTSTRAP_TENANTS: 'bench:bench-key-1',
  LOG_FORMAT: 'json',
};

async function start(name: string, script: string) {
  const port = await freePort(0, 'PORT');
  const piece = nodePiece({
    name,
    script,
    variables: { ...variables, PORT: String(port) },
    logFile: join(services.folder, `${name}.log`),
  });
  const running = await piece.start();
  const measure = (count: number): Promise<LoadResult> =>
    postAll({
      origin: `http://127.0.0.1:${port}`,
      path: '/job',
      headers: { client: 'bench', 'api-key': 'bench-key-1' },
      count,
      concurrency: CONCURRENCY,
      body: (at) =>
        JSON.stringify({
          job: { workflow: 'vodstream', priority: 5 },
          parameters: {
            content_id: `movie-${at}`,
            source_folder: `incoming/movie-${at}`,
            output_folder: `assets/movie-${at}`,
            rest_endpoints: ['http://127.0.0.1:19999/callback'],
            custom_data: { order: at, title: 'A film of some length' },
          },
        }),
    });
  return { measure, stop: running.stop };
}

const api = await start('api', 'api/main.ts');
const bare = await start('bare', 'bench/bare-api.ts');
// warm: compiled, connected, tables grown past their first pages
await api.measure(COUNT);
await bare.measure(COUNT);
const rounds: { readonly api: LoadResult; readonly bare: LoadResult }[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const one = { bare: await bare.measure(COUNT), api: await api.measure(COUNT) };
  rounds.push(one);
  console.log(
    `round ${round + 1}: bare ${one.bare.perSecond.toFixed(0)}/s, api ${one.api.perSecond.toFixed(0)}/s`,
  );
}
const of = (which: 'api' | 'bare', what: keyof LoadResult): number =>
  median(rounds.map((round) => round[which][what]));
const ratio = median(rounds.map((round) => round.api.perSecond / round.bare.perSecond));
for (const which of ['bare', 'api'] as const) {
  console.log(
    `${which === 'api' ? 'POST /job' : 'bare route'}  ${of(which, 'perSecond').toFixed(0)}/s, p50 ${of(which, 'p50Ms').toFixed(1)} ms, p99 ${of(which, 'p99Ms').toFixed(1)} ms`,
  );
}
console.log(
  `POST /job / bare route  ${ratio.toFixed(2)}   (aim ${AIM}, ${CONCURRENCY} at once, median of ${rounds.length} rounds)`,
);
await api.stop();
await bare.stop();
await services.stop();
process.exit(0);
