import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inject } from 'vitest';
import { nodePiece } from '../../dev/stack/pieces.ts';
import type { RunningPiece } from '../../dev/stack/piece.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { createTestNamespace } from './namespace.ts';

/** A job as the API shows it. */
export type JobAnswer = Readonly<Record<string, unknown>> & { readonly queue_state: string };

const TENANT = 'acme';
const KEY = 'acme-secret-1';

/** A whole engine as its users have it: api and worker processes over a database of its own. */
export class TestEngine {
  readonly folder: string;
  readonly database: TestDatabase;
  readonly namespace: string;
  readonly apiUrl: string;
  readonly #variables: Readonly<Record<string, string>>;
  api: RunningPiece | undefined;
  worker: RunningPiece | undefined;

  private constructor(parts: {
    folder: string;
    database: TestDatabase;
    namespace: string;
    port: number;
    temporalAddress: string;
    variables: Readonly<Record<string, string>>;
  }) {
    this.folder = parts.folder;
    this.database = parts.database;
    this.namespace = parts.namespace;
    this.apiUrl = `http://127.0.0.1:${parts.port}`;
    this.#variables = {
      EMBEDDED: '1',
      DATABASE_URL: parts.database.url,
      TEMPORAL_ADDRESS: parts.temporalAddress,
      TEMPORAL_NAMESPACE: parts.namespace,
      DATA_DIR: parts.folder,
      PORT: String(parts.port),
      BOOTSTRAP_TENANTS: `${TENANT}:${KEY},other:other-secret-1`,
      LOG_LEVEL: 'warn',
      LOG_FORMAT: 'json',
      ...parts.variables,
    };
  }

  /** Makes an engine; with `isStarted` false its processes are the test's to start. */
  static async create(
    options: {
      readonly isStarted?: boolean;
      readonly temporalAddress?: string;
      /** Of the environment of its processes, besides those it sets itself. */
      readonly variables?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<TestEngine> {
    const engine = new TestEngine({
      folder: await mkdtemp(join(tmpdir(), 'task-engine-e2e-')),
      database: await createTestDatabase(),
      namespace: await createTestNamespace(),
      port: await freePort(0, 'PORT'),
      temporalAddress: options.temporalAddress ?? inject('services').temporalAddress,
      variables: options.variables ?? {},
    });
    if (options.isStarted !== false) {
      await engine.startApi();
      await engine.startWorker();
    }
    return engine;
  }

  async startApi(): Promise<void> {
    this.api = await this.#piece('api').start();
  }

  /** Starts the worker; with `queues` only those task queues are worked on. */
  async startWorker(queues?: string): Promise<void> {
    const args = queues === undefined ? [] : ['--queues', queues];
    this.worker = await this.#piece('worker', args).start();
  }

  /** Starts one more worker, for these task queues; it is the caller's to stop. */
  async startAnotherWorker(queues: string): Promise<RunningPiece> {
    return this.#piece('worker', ['--queues', queues]).start();
  }

  /** The tenant's source folder, made. */
  async sourceFolder(name: string): Promise<string> {
    const folder = join(this.folder, 'input', TENANT, name);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  outputFolder(name: string): string {
    return join(this.folder, 'output', TENANT, name);
  }

  request(path: string, options: RequestInit = {}): Promise<Response> {
    return fetch(`${this.apiUrl}${path}`, {
      ...options,
      headers: { client: TENANT, 'api-key': KEY, 'content-type': 'application/json' },
    });
  }

  /** Submits a `vodstream` job; throws where it is refused. */
  async submit(
    parameters: Readonly<Record<string, unknown>>,
    job: Readonly<Record<string, unknown>> = {},
  ): Promise<number> {
    const response = await this.request('/job', {
      method: 'POST',
      body: JSON.stringify({ job: { workflow: 'vodstream', ...job }, parameters }),
    });
    const answer = (await response.json()) as { readonly id?: number; readonly error?: string };
    if (answer.id === undefined) throw new Error(`refused: ${answer.error ?? response.status}`);
    return answer.id;
  }

  /** Sets one of the tenant's settings; throws where it is refused. */
  async set(name: string, setting: number): Promise<void> {
    const body = JSON.stringify({ name, setting });
    const response = await this.request('/settings', { method: 'POST', body });
    if (!response.ok) throw new Error(`setting ${name} refused: ${await response.text()}`);
  }

  async job(jobId: number): Promise<JobAnswer> {
    return (await (await this.request(`/jobs/${jobId}`)).json()) as JobAnswer;
  }

  /** Waits until a job has ended. */
  async untilEnded(jobId: number, seconds = 120): Promise<JobAnswer> {
    return until(
      async () => {
        const job = await this.job(jobId);
        return job['ended_at'] === null ? undefined : job;
      },
      seconds,
      `job ${jobId} to end`,
    );
  }

  async stop(): Promise<void> {
    await this.worker?.stop();
    await this.api?.stop();
    await this.database.drop();
    await rm(this.folder, { recursive: true, force: true });
  }

  #piece(name: 'api' | 'worker', args: readonly string[] = []) {
    return nodePiece({
      name,
      script: `${name}/main.ts`,
      args,
      variables: this.#variables,
      logFile: join(this.folder, `${name}.log`),
    });
  }
}

/** Waits until `look` finds something, and returns it. Throws after `seconds`. */
export async function until<Found>(
  look: () => Promise<Found | undefined>,
  seconds: number,
  what: string,
): Promise<Found> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`);
    await delay(100);
  }
}
