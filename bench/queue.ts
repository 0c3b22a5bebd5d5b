import { parseArgs } from 'node:util';
import { sql } from 'kysely';
import { admitJobs } from '../src/store/admission.ts';
import { closeDb, createDb, type Db } from '../src/store/db.ts';
import { finishJob } from '../src/store/finish.ts';
import { migrate } from '../src/store/migrate.ts';
import { putSetting } from '../src/store/settings.ts';
import { insertTenant } from '../src/store/tenants.ts';
import { median } from './load.ts';
import { createBenchDatabase, startServices } from './services.ts';

// The end of one job and the admission of the next, one transaction, with 100, 10,000 and 100,000 jobs
// queued beside a million that have ended. Rounds in turn over tenants of one database; the ratio is the
// median over the rounds.

const { values } = parseArgs({
  options: {
    ended: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '9' },
    ends: { type: 'string', default: '60' },
  },
});
const QUEUES = [100, 10_000, 100_000] as const;
const ENDS = Number(values.ends);
const SLOTS = 4;
const AIM = 1.3;

/** Rows of jobs as submissions and ends leave them, straight into the table. */
async function fill(db: Db, tenantId: number, count: number, state: number): Promise<void> {
  await sql`
    INSERT INTO jobs (tenant_id, workflow, content_id, priority, queue_state, parameters, search_text,
                      started_at, dispatched_at, ended_at)
    SELECT ${tenantId}, 'vodstream', 'movie-' || n, 1 + n % 10, ${state}::smallint,
           '{"content_id":"movie","source_folder":"s"}', 'movie-' || n, ended, ended, ended
    FROM generate_series(1, ${count}) n,
         LATERAL (SELECT CASE WHEN ${state} = 2 THEN now() - n * interval '1 second' END AS ended) e`.execute(
    db,
  );
}

async function addTenant(db: Db, name: string): Promise<number> {
  const tenant = await insertTenant(db, {
    name,
    inputRoot: null,
    outputRoot: null,
    sourceStorage: 'local',
    destinationStorage: null,
    allowedNetworks: [],
  });
  const id = tenant?.id ?? 0;
  await putSetting(db, id, 'max_jobs', String(SLOTS));
  return id;
}

const startedJobs = async (db: Db, tenantId: number): Promise<readonly number[]> =>
  (
    await sql<{ id: number }>`
      SELECT id FROM jobs WHERE tenant_id = ${tenantId} AND queue_state = 1 ORDER BY id`.execute(db)
  ).rows.map((row) => row.id);

/** Median milliseconds of an end with its admission; the queue is filled up again behind the clock. */
async function measure(db: Db, tenantId: number): Promise<number> {
  const durations: number[] = [];
  while (durations.length < ENDS) {
    for (const jobId of await startedJobs(db, tenantId)) {
      const startedAt = performance.now();
      await finishJob(db, { jobId, isFailed: false, reason: '', timeMs: Date.now(), events: [] });
      durations.push(performance.now() - startedAt);
    }
  }
  await fill(db, tenantId, durations.length, 0);
  return median(durations);
}

const services = await startServices({ isDurable: true });
const url = await createBenchDatabase(services, 'queue');
const db = createDb({
  url,
  poolSize: 4,
  applicationName: 'bench',
  onError: () => undefined,
});
await migrate(db);
// filling is not what is measured, and a million rows may take longer than a statement of the engine may
await sql`ALTER DATABASE queue SET statement_timeout = 0`.execute(db);
const tenants = new Map<number, number>();
for (const queued of QUEUES) tenants.set(queued, await addTenant(db, `queue-${queued}`));
for (let left = Number(values.ended), at = 0; left > 0; left -= 20_000, at++) {
  // spread over the tenants, as the ended jobs of a year are
  await fill(db, tenants.get(QUEUES[at % QUEUES.length] ?? 100) ?? 0, Math.min(left, 20_000), 2);
}
for (const [queued, tenantId] of tenants) {
  for (let left = queued; left > 0; left -= 20_000)
    await fill(db, tenantId, Math.min(left, 20_000), 0);
  await admitJobs(db, tenantId);
}
await sql`VACUUM ANALYZE`.execute(db);
for (const tenantId of tenants.values()) await measure(db, tenantId);

const rounds: ReadonlyMap<number, number>[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const times = new Map<number, number>();
  for (const [queued, tenantId] of tenants) times.set(queued, await measure(db, tenantId));
  rounds.push(times);
}
const [least] = QUEUES;
for (const queued of QUEUES) {
  const ms = median(rounds.map((round) => round.get(queued) ?? Number.NaN));
  const ratio = median(
    rounds.map((round) => (round.get(queued) ?? Number.NaN) / (round.get(least) ?? Number.NaN)),
  );
  console.log(
    `${queued} queued: finish and admit ${ms.toFixed(2)} ms, ${ratio.toFixed(2)} x of ${least}`,
  );
}
console.log(`aim: ${AIM} x at most, with ${values.ended} ended jobs`);
await closeDb(db);
await services.stop();
process.exit(0);
