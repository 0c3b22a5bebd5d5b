import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgress } from '../../dev/progress.ts';
import { ensurePostgres } from '../../dev/setup/postgres.ts';
import { ensureTemporal } from '../../dev/setup/temporal.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import type { Piece, RunningPiece } from '../../dev/stack/piece.ts';
import { nodePiece, postgresPiece, temporalPiece } from '../../dev/stack/pieces.ts';
import { postgresUrl } from '../../dev/stack/postgres.ts';
import { readConfig } from '../../src/config/config.ts';
import { closeDb, createDb, type Db } from '../../src/store/db.ts';

/** The processes of a {@link World}. */
export const PIECES = ['postgres', 'temporal', 'api', 'worker'] as const;

/** One of {@link PIECES}. */
export type PieceName = (typeof PIECES)[number];

/** How a piece dies when a test kills it: Postgres by its immediate shutdown, which ends its backends too. */
const KILL_SIGNALS = {
  postgres: 'SIGQUIT',
  temporal: 'SIGKILL',
  api: 'SIGKILL',
  worker: 'SIGKILL',
} as const;

/**
 * An engine whose every process is the test's to kill: Postgres that commits to disk, Temporal on its
 * file, an api and a worker, each on the same port and data after its restart.
 */
export class World {
  readonly folder: string;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly apiUrl: string;
  /** For looking only. */
  readonly db: Db;
  readonly #pieces: Readonly<Record<PieceName, Piece>>;
  readonly #running = new Map<PieceName, Promise<RunningPiece>>();
  /** Rejects when a piece ends that nobody has killed. */
  readonly broken: Promise<never>;
  #break: (error: Error) => void = () => undefined;

  private constructor(parts: {
    folder: string;
    ports: Readonly<Record<'postgres' | 'temporal' | 'ui' | 'api', number>>;
    pieces: Readonly<Record<PieceName, Piece>>;
  }) {
    this.folder = parts.folder;
    this.databaseUrl = postgresUrl(parts.ports.postgres);
    this.temporalAddress = `127.0.0.1:${parts.ports.temporal}`;
    this.apiUrl = `http://127.0.0.1:${parts.ports.api}`;
    this.#pieces = parts.pieces;
    this.broken = new Promise((_resolve, reject) => {
      this.#break = reject;
    });
    this.broken.catch(() => undefined);
    this.db = createDb({
      url: this.databaseUrl,
      poolSize: 4,
      applicationName: 'test',
      onError: () => undefined,
    });
  }

  /** Makes a world; nothing of it runs yet. */
  static async create(): Promise<World> {
    const progress = createProgress(process.stdout);
    const folder = await mkdtemp(join(tmpdir(), 'task-engine-world-'));
    const [programs, program] = [
      await ensurePostgres(progress),
      await ensureTemporal(readConfig(), progress),
    ];
    const ports = {
      postgres: await freePort(0, 'PORT'),
      temporal: await freePort(0, 'PORT'),
      ui: await freePort(0, 'PORT'),
      api: await freePort(0, 'PORT'),
    };
    const variables = {
      EMBEDDED: '1',
      DATABASE_URL: postgresUrl(ports.postgres),
      TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
      DATA_DIR: folder,
      PORT: String(ports.api),
      BOOTSTRAP_TENANTS: 'acme:acme-secret-1',
      LOG_LEVEL: 'warn',
      LOG_FORMAT: 'json',
    };
    const node = (name: 'api' | 'worker'): Piece =>
      nodePiece({
        name,
        script: `${name}/main.ts`,
        variables,
        logFile: join(folder, `${name}.log`),
      });
    const pieces = {
      postgres: postgresPiece({
        programs,
        folder: join(folder, 'postgres'),
        port: ports.postgres,
      }),
      temporal: temporalPiece({
        program,
        port: ports.temporal,
        uiPort: ports.ui,
        namespace: 'default',
        file: join(folder, 'temporal.db'),
        logFile: join(folder, 'temporal.log'),
      }),
      api: node('api'),
      worker: node('worker'),
    };
    return new World({ folder, ports, pieces });
  }

  /** Starts a piece; resolves when it does its work, which may take until others do theirs. */
  async start(name: PieceName): Promise<void> {
    const starting = this.#pieces[name].start();
    this.#running.set(name, starting);
    const piece = await starting;
    void piece.ended.then((how) => {
      if (this.#running.get(name) === starting) this.#break(new Error(`${name} ${how} by itself`));
    });
  }

  /** The process id of a piece that runs. */
  async pidOf(name: PieceName): Promise<number> {
    return (await this.#running.get(name))?.pid ?? 0;
  }

  /** Kills a piece without warning and waits until it is gone. */
  async kill(name: PieceName): Promise<void> {
    const piece = await this.#running.get(name);
    if (piece === undefined) throw new Error(`${name} does not run`);
    this.#running.delete(name);
    process.kill(piece.pid, KILL_SIGNALS[name]);
    await piece.ended;
  }

  async stop(): Promise<void> {
    await closeDb(this.db);
    for (const name of ['worker', 'api', 'temporal', 'postgres'] as const) {
      const piece = await this.#running.get(name)?.catch(() => undefined);
      this.#running.delete(name);
      await piece?.stop();
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}
