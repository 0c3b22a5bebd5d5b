import { sql } from 'kysely';
import { createJournal } from '../../../activities/journal/journal.ts';
import { createReconcile } from '../../../activities/reconcile/reconcile.ts';
import { type FolderClaims, NO_CLAIMS } from '../../../src/domain/folder-claims.ts';
import { ImpossibleChangeError, type JobChange } from '../../../src/domain/job-change.ts';
import { createLogger } from '../../../src/log/logger.ts';
import { admitJobs } from '../../../src/store/admission.ts';
import { changeSetting } from '../../../src/store/change-setting.ts';
import { closeDb, type Db } from '../../../src/store/db.ts';
import { changeJob } from '../../../src/store/job-changes.ts';
import { insertJobs, type NewJob } from '../../../src/store/jobs.ts';
import { rerunJob } from '../../../src/store/rerun.ts';
import { insertTenant } from '../../../src/store/tenants.ts';
import { dispatchOutbox } from '../../../src/temporal/dispatch-outbox.ts';
import type { TestDatabase } from '../../helpers/database.ts';
import {
  between,
  createFaultyDb,
  createRandom,
  type FaultSwitch,
  InjectedFault,
  type Random,
} from '../../helpers/faults.ts';
import { type Execution, TemporalStandIn } from './temporal-stand-in.ts';
import { beginRound, countSlots, installWatch, letTimePass, listFaults } from './watch.ts';

const SLOT_SETTINGS = ['max_jobs', 'priority_slots', 'priority_threshold'] as const;
type SlotSetting = (typeof SLOT_SETTINGS)[number];

/** How a simulation is run. */
export interface SimulationOptions {
  readonly seed: number;
  /** Jobs that are submitted before it comes to rest. */
  readonly jobs: number;
  readonly tenants: number;
  /** What gives out slots after a submission; a test of the test puts a broken one here. */
  readonly admit?: (db: Db, tenantId: number) => Promise<unknown>;
  /** Settings that change on the way. Default: all that decide about slots. */
  readonly settings?: readonly SlotSetting[];
}

/** Folders that jobs use; some are in others, some begin alike. */
const FOLDERS = ['o/a', 'o/a/x', 'o/a/y', 'o/a1', 'o/b', 'o/c', 'o/d', 'o/e'];

/** Share of statements and of calls to Temporal that fail. */
const FAULT_RATE = 0.015;
/** Things that happen at once in a round. */
const AT_ONCE = 10;
const TASKS = 2;

const SILENT = createLogger({ name: 'simulation', level: 'silent', format: 'json' });

/**
 * The queue under everything that may happen to it at once: submissions, admissions, dispatchers,
 * executions, people, settings, the reconciler, terminated executions, and crashes at any statement.
 */
export class Simulation {
  readonly random: Random;
  readonly faults: FaultSwitch = { isOn: true, count: 0 };
  readonly temporal: TemporalStandIn;
  /** Content ids of submissions that were acknowledged. */
  readonly accepted = new Set<string>();
  /** What was seen wrong from outside; the watch in the database keeps its own. */
  readonly seen: string[] = [];
  readonly #database: TestDatabase;
  readonly #db: Db;
  readonly #options: SimulationOptions;
  readonly #journal;
  readonly #reconcile;
  #tenantIds: readonly number[] = [];
  #submitted = 0;

  constructor(database: TestDatabase, options: SimulationOptions) {
    this.#database = database;
    this.#options = options;
    this.random = createRandom(options.seed);
    const { random, faults } = this;
    this.#db = createFaultyDb({ url: database.url, random, rate: FAULT_RATE, faults });
    this.temporal = new TemporalStandIn({ random, rate: FAULT_RATE, faults });
    this.#journal = createJournal({ db: this.#db });
    this.#reconcile = createReconcile({
      db: this.#db,
      journal: this.#journal,
      log: SILENT,
      describeExecution: (jobId) => Promise.resolve(this.temporal.describe(jobId)),
    });
  }

  /** Runs until all jobs are submitted, then without faults until nothing changes any more. */
  async run(): Promise<void> {
    await installWatch(this.#database.db);
    await this.#addTenants();
    while (this.#submitted < this.#options.jobs) {
      await this.#round(Array.from({ length: AT_ONCE }, () => this.#somethingHappens()));
    }
    this.faults.isOn = false;
    for (const tenantId of this.#tenantIds) {
      await this.#set(tenantId, 'max_jobs', 8);
      await this.#set(tenantId, 'priority_slots', 0);
    }
    // every pass ends tasks of all that run, so this is far more than any job needs
    for (let pass = 0; pass < this.#options.jobs; pass++) {
      await letTimePass(this.#database.db);
      await this.#putBackAll();
      await this.#reconcile(() => undefined);
      while (await this.#dispatch());
      await this.#round(this.#running().map((execution) => () => this.#progress(execution)));
      if (!(await this.#hasOpenJobs())) return;
    }
    this.seen.push('jobs are still open after recovery');
  }

  async close(): Promise<void> {
    await closeDb(this.#db);
  }

  async #addTenants(): Promise<void> {
    const ids: number[] = [];
    for (let at = 0; at < this.#options.tenants; at++) {
      const tenant = await insertTenant(this.#database.db, {
        name: `tenant${at}`,
        inputRoot: null,
        outputRoot: null,
        sourceStorage: 'local',
        destinationStorage: null,
        allowedNetworks: [],
      } as Parameters<typeof insertTenant>[1]);
      ids.push(tenant?.id ?? 0);
    }
    this.#tenantIds = ids;
  }

  /** One round: things at once, then the slots are looked at from outside. */
  async #round(happenings: readonly (() => Promise<unknown>)[]): Promise<void> {
    const { db } = this.#database;
    await beginRound(db);
    const before = await countSlots(db);
    const limits = new Map([...before].map(([tenantId, slots]) => [tenantId, slots.maxJobs]));
    this.#limits = limits;
    await Promise.all(happenings.map((happen) => this.#survive(happen)));
    for (const [tenantId, { held }] of await countSlots(db)) {
      // a lowered max_jobs takes no slot away: what was held before may be held on
      const most = Math.max(before.get(tenantId)?.held ?? 0, limits.get(tenantId) ?? 0);
      if (held > most) this.seen.push(`tenant ${tenantId} holds ${held} slots of ${most}`);
    }
    const found = await listFaults(db);
    if (found.length > 0 && this.seen.length === 0) this.seen.push(...found);
    if (this.seen.length > 0) throw new SimulationFault(this.seen);
  }

  #limits = new Map<number, number>();

  /** A crash ends what it hits; everything else that is thrown is a defect. */
  async #survive(happen: () => Promise<unknown>): Promise<void> {
    try {
      await happen();
    } catch (error) {
      if (!(error instanceof InjectedFault) && !(error instanceof ImpossibleChangeError))
        throw error;
    }
  }

  #somethingHappens(): () => Promise<unknown> {
    const tenantId = this.#oneOf(this.#tenantIds);
    const dice = this.random();
    if (dice < 0.1) return () => this.#submit(tenantId);
    if (dice < 0.2) return () => this.#admit(tenantId);
    if (dice < 0.4) return () => this.#dispatch();
    if (dice < 0.8) return () => this.#progressSome();
    if (dice < 0.86) return () => this.#person();
    if (dice < 0.89) return () => this.#rerun();
    if (dice < 0.93) return () => this.#changeSettings(tenantId);
    if (dice < 0.96) return () => Promise.resolve(this.#terminate());
    return async () => {
      await letTimePass(this.#database.db);
      await this.#reconcile(() => undefined);
    };
  }

  async #submit(tenantId: number): Promise<void> {
    const names = Array.from({ length: between(this.random, 1, 4) }, () => `c${this.#submitted++}`);
    await insertJobs(
      this.#db,
      names.map((name) => this.#newJob(tenantId, name)),
    );
    for (const name of names) this.accepted.add(name);
    // one in five dies between the answer and the admission
    if (this.random() < 0.8) await this.#admit(tenantId);
  }

  #newJob(tenantId: number, contentId: string): NewJob {
    return {
      tenantId,
      workflow: 'vodstream',
      contentId,
      priority: between(this.random, 1, 10),
      state: 'queued',
      parameters: JSON.stringify({ content_id: contentId, source_folder: 's' }),
      customData: null,
      runAt: null,
      semaphoreUrl: null,
      isPersistent: false,
      searchText: contentId,
      callbackUrls: [],
      notes: [],
      claims: this.#newClaims(),
    };
  }

  /** What a job takes: mostly a folder of a few, sometimes one with all that is below. */
  #newClaims(): FolderClaims {
    const dice = this.random();
    if (dice < 0.1) return { writesTo: [this.#oneOf(FOLDERS)], readsFrom: [], clears: true };
    if (dice < 0.4) return NO_CLAIMS;
    return {
      writesTo: [this.#oneOf(FOLDERS)],
      readsFrom: this.random() < 0.3 ? [this.#oneOf(FOLDERS)] : [],
      clears: false,
    };
  }

  #admit(tenantId: number): Promise<unknown> {
    return (this.#options.admit ?? admitJobs)(this.#db, tenantId);
  }

  #dispatch(): Promise<boolean> {
    return dispatchOutbox({ db: this.#db, temporal: this.temporal.temporal, log: SILENT });
  }

  #running(): readonly Execution[] {
    return [...this.temporal.executions.values()].filter((one) => one.isRunning);
  }

  async #progressSome(): Promise<void> {
    const running = this.#running();
    if (running.length === 0) return;
    const some = new Set(Array.from({ length: 5 }, () => this.#oneOf(running)));
    await Promise.all([...some].map((one) => this.#survive(() => this.#progress(one))));
  }

  /**
   * The next journal call of an execution, as the workflow and its interceptor make it. One that a crash
   * hits is made again later, as a local activity is.
   */
  async #progress(execution: Execution): Promise<void> {
    const { jobId, step } = execution;
    const [taskNumber, isEnd] = [Math.floor(step / 2) + 1, step % 2 === 1];
    if (execution.heldAt !== undefined && !execution.isCancelled) {
      if (execution.resumes <= execution.heldAt) return;
    }
    if (execution.isCancelled) return this.#finish(execution, 'Cancelled');
    if (taskNumber > TASKS) return this.#finish(execution, '');
    if (isEnd && this.random() < 0.03) return this.#finish(execution, 'The task failed');
    const { resumes } = execution;
    const held = await this.#journal.recordEvents({
      jobId,
      events: [
        {
          taskNumber,
          taskName: 'package',
          event: isEnd ? 'complete' : 'start',
          message: '',
          timeMs: Date.now(),
        },
      ],
    });
    // another call of this round may have taken the step, or ended the execution
    if (execution.step !== step || !execution.isRunning) return;
    execution.heldAt = held?.includes(taskNumber) === true ? resumes : undefined;
    if (execution.heldAt === undefined) execution.step += 1;
  }

  async #finish(execution: Execution, reason: string): Promise<void> {
    const { jobId } = execution;
    const isFailed = reason !== '';
    await this.#journal.finishJob({ jobId, isFailed, reason, timeMs: Date.now(), events: [] });
    execution.isRunning = false;
  }

  /** One of the younger jobs, and whose it is; undefined where its insert was crashed. */
  async #recentJob(): Promise<{ readonly tenantId: number; readonly jobId: number } | undefined> {
    const jobId = between(this.random, Math.max(1, this.#submitted - 80), this.#submitted + 1);
    const { rows } = await sql<{ tenant_id: number }>`
      SELECT tenant_id FROM jobs WHERE id = ${jobId}`.execute(this.#database.db);
    return rows[0] && { tenantId: rows[0].tenant_id, jobId };
  }

  async #person(): Promise<void> {
    const job = await this.#recentJob();
    if (job === undefined) return;
    const change = this.#oneOf<JobChange>([
      { state: 'paused' },
      { state: 'queued' },
      { state: 'queued' },
      { state: 'broken' },
      { priority: between(this.random, 1, 10) },
    ]);
    await changeJob(this.#db, job, change, () => 'changed');
    if (this.random() < 0.8) await this.#admit(job.tenantId);
  }

  async #rerun(): Promise<void> {
    const job = await this.#recentJob();
    if (job === undefined) return;
    const outcome = await rerunJob(this.#db, job.tenantId, job.jobId);
    if (outcome.kind === 'accepted') await this.#admit(job.tenantId);
  }

  async #changeSettings(tenantId: number): Promise<void> {
    const name = this.#oneOf(this.#options.settings ?? SLOT_SETTINGS);
    const value = between(this.random, name === 'priority_threshold' ? 1 : 0, 6);
    if (name === 'max_jobs') {
      this.#limits.set(tenantId, Math.max(this.#limits.get(tenantId) ?? 0, value));
    }
    await this.#set(tenantId, name, value);
    if (this.random() < 0.8) await this.#admit(tenantId);
  }

  async #set(tenantId: number, name: string, value: number): Promise<void> {
    await changeSetting(this.#db, { tenantId, name, value, isCapped: false, actor: 'test' });
  }

  #terminate(): void {
    const running = this.#running();
    if (running.length > 0) this.#oneOf(running).isRunning = false;
  }

  async #putBackAll(): Promise<void> {
    const { rows } = await sql<{ id: number; tenant_id: number }>`
      SELECT id, tenant_id FROM jobs WHERE queue_state = 6 AND ended_at IS NULL`.execute(
      this.#database.db,
    );
    for (const row of rows) {
      const job = { tenantId: row.tenant_id, jobId: row.id };
      await this.#survive(() => changeJob(this.#db, job, { state: 'queued' }, () => 'put back'));
    }
  }

  async #hasOpenJobs(): Promise<boolean> {
    const { rows } = await sql`SELECT 1 AS one FROM jobs WHERE ended_at IS NULL LIMIT 1`.execute(
      this.#database.db,
    );
    return rows.length > 0;
  }

  #oneOf<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.random() * items.length)];
    if (item === undefined) throw new RangeError('nothing to choose from');
    return item;
  }
}

/** What a simulation found wrong. */
export class SimulationFault extends Error {
  override readonly name = 'SimulationFault';

  constructor(found: readonly string[]) {
    super(found.slice(0, 5).join('; '));
  }
}
