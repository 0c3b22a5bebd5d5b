import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { sql } from 'kysely';
import { queueScheduledJobs } from '../../../activities/schedule/queue-scheduled-jobs.ts';
import type { QueuePassResult } from '../../../activities/schedule/contract.ts';
import type { Probe } from '../../../src/egress/probe.ts';
import { createLogger } from '../../../src/log/logger.ts';
import type { Db } from '../../../src/store/db.ts';
import { insertJob, type NewJob } from '../../../src/store/jobs.ts';
import { listLogs } from '../../../src/store/logs.ts';
import { addAnotherTenant } from '../../helpers/tenant.ts';

export const LOG = createLogger({ name: 'test', level: 'silent', format: 'json' });

/** A tenant whose URLs may lead to loopback, unless told otherwise. */
export function newTenant(
  db: Db,
  settings: Readonly<Record<string, number>> = {},
  allowedNetworks: readonly string[] = ['127.0.0.0/8'],
): Promise<number> {
  return addAnotherTenant(db, settings, { allowedNetworks });
}

/** Submits a job, scheduled where `more` says so. */
export const submit = (
  db: Db,
  tenantId: number,
  more: Partial<Pick<NewJob, 'runAt' | 'semaphoreUrl' | 'isPersistent' | 'callbackUrls'>> = {},
): Promise<number> =>
  insertJob(db, {
    tenantId,
    workflow: 'vodstream',
    contentId: 'c',
    priority: 5,
    state: 'queued',
    parameters: '{}',
    customData: null,
    runAt: null,
    semaphoreUrl: null,
    isPersistent: false,
    searchText: 'c',
    notes: [],
    callbackUrls: [],
    ...more,
  });

/** Runs one pass. */
export const runPass = (
  db: Db,
  probe: Probe,
  signal: AbortSignal = new AbortController().signal,
): Promise<QueuePassResult> =>
  queueScheduledJobs({ db, log: LOG, probe }, { signal, heartbeat: () => undefined });

/** Lets every semaphore be looked at again at once, as if its interval had passed. */
export const passInterval = (db: Db): Promise<unknown> =>
  sql`UPDATE jobs SET poll_at = now() - interval '1 s' WHERE poll_at IS NOT NULL`.execute(db);

/** What the scheduler has written in a job's log. */
export const messages = async (db: Db, jobId: number): Promise<readonly string[]> =>
  (await listLogs(db, jobId, { withInvisible: true }))
    .filter((row) => row.progname === 'scheduler')
    .map((row) => row.message);

/** A server of semaphores. What a path says is up to the test; unknown ones are 404. */
export class SemaphoreServer {
  /** Requests by path, in order. */
  readonly hits: string[] = [];
  readonly answers = new Map<string, (response: ServerResponse) => void>();
  /** The most connections that were open at once. */
  mostSockets = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => {
    const path = request.url ?? '';
    this.hits.push(path);
    const answer = this.answers.get(path.replace(/\?.*$/, ''));
    if (answer !== undefined) answer(response);
    else response.writeHead(404).end();
  });

  async start(): Promise<this> {
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      this.mostSockets = Math.max(this.mostSockets, this.#sockets.size);
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Lets a path answer with a status. */
  says(path: string, status: number, headers: Record<string, string> = {}): string {
    this.answers.set(path, (response) => response.writeHead(status, headers).end());
    return this.url(path);
  }

  hitsOf(path: string): number {
    return this.hits.filter((one) => one === path).length;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}
