import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import {
  compareWithActivities,
  measureBesideBacklog,
  measureBesideHung,
} from './callbacks/phases.ts';
import { EVENTS_PER_JOB } from './callbacks/jobs.ts';
import { startServices } from './services.ts';

// Delivery alone, with real worker and dispatcher processes: events go into the store as a job's interceptors
// put them there. (1) 1,000 jobs of nine callbacks to 50 receivers against a script on the bare SDK that
// awaits one activity for each callback; (2) healthy endpoints beside one that hangs; (3) a healthy endpoint
// beside 10,000 dead or waiting ones with a million pending deliveries. Rounds in turn, medians.

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '1000' },
    urls: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
    endpoints: { type: 'string', default: '10000' },
    pending: { type: 'string', default: '1000000' },
    only: { type: 'string', default: 'activities,hung,backlog' },
  },
});
const rounds = Number(values.rounds);
const parts = values.only.split(',');
const services = await startServices();
const say = (text: string): void => {
  console.log(`${text}   [load ${loadavg()[0]?.toFixed(1)}]`);
};

if (parts.includes('activities')) {
  const [jobs, urls] = [Number(values.jobs), Number(values.urls)];
  const { engine, bare, ratio } = await compareWithActivities(services, { jobs, urls, rounds });
  say(`${jobs} jobs x ${EVENTS_PER_JOB} callbacks to ${urls} endpoints`);
  for (const [name, one] of Object.entries({ engine, 'one activity each': bare })) {
    console.log(
      `  ${name.padEnd(18)} ${one.rate.toFixed(0)} deliveries/s, p95 ${one.p95Ms.toFixed(0)} ms from event to 2xx, ` +
        `${one.historyPerJob.toFixed(2)} history events a job`,
    );
  }
  console.log(`  ratio ${ratio.toFixed(2)}   (aim 1.5)`);
}
if (parts.includes('hung')) {
  const { soloMs, besideMs, ratio } = await measureBesideHung(services, rounds);
  say('20 healthy endpoints beside one that hangs with 1,000 events queued');
  console.log(
    `  p95 ${besideMs.toFixed(0)} ms, alone ${soloMs.toFixed(0)} ms, ratio ${ratio.toFixed(2)}   (aim at most 2)`,
  );
}
if (parts.includes('backlog')) {
  const [endpoints, deliveries] = [Number(values.endpoints), Number(values.pending)];
  const options = { endpoints, deliveries, jobs: 300, rounds };
  const { emptyRate, fullRate, ratio } = await measureBesideBacklog(services, options);
  say(`a healthy endpoint beside ${endpoints} others with ${deliveries} pending deliveries`);
  console.log(
    `  ${fullRate.toFixed(0)} deliveries/s, alone ${emptyRate.toFixed(0)}, ratio ${ratio.toFixed(2)}   (aim at least 0.8)`,
  );
}
await services.stop();
process.exit(0);
