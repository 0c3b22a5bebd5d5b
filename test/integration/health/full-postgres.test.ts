import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { type ApiServer, startApiServer } from '../../../api/server.ts';
import { createProgress } from '../../../dev/progress.ts';
import { ensurePostgres } from '../../../dev/setup/postgres.ts';
import { freePort } from '../../../dev/stack/free-port.ts';
import type { RunningPiece } from '../../../dev/stack/piece.ts';
import { postgresPiece } from '../../../dev/stack/pieces.ts';
import { postgresUrl } from '../../../dev/stack/postgres.ts';
import type { HealthJson } from '../../../src/contract/health.ts';
import { createLogger } from '../../../src/log/logger.ts';
import { closeDb, createDb, type Db } from '../../../src/store/db.ts';
import { submission } from '../../helpers/api.ts';
import { until } from '../../helpers/engine.ts';
import { createTestNamespace } from '../../helpers/namespace.ts';
import { canMount, mountSmallDisk, type SmallDisk } from '../../helpers/small-disk.ts';

const MB = 1024 * 1024;
/** Room for a new cluster and its first 16 MB of log. */
const DISK_BYTES = 256 * MB;

const HEADERS = {
  client: 'acme',
  'api-key': 'acme-secret-1',
  'content-type': 'application/json',
};

describe.skipIf(!(await canMount()))('Postgres (needs the right to mount a tmpfs)', () => {
  let folder: string;
  let disk: SmallDisk;
  let port: number;
  let postgres: RunningPiece;
  let api: ApiServer;
  let db: Db;
  let accepted: number[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task-engine-full-'));
    disk = await mountSmallDisk(join(folder, 'postgres'), DISK_BYTES);
    port = await freePort(0, 'PORT');
    postgres = await postgresPiece({
      programs: await ensurePostgres(createProgress(process.stdout)),
      folder: disk.folder,
      port,
      isThrowAway: true,
    }).start();
    const url = postgresUrl(port);
    api = await startApiServer({
      databaseUrl: url,
      databasePoolSize: 5,
      temporalAddress: inject('services').temporalAddress,
      temporalNamespace: await createTestNamespace(),
      host: '127.0.0.1',
      port: 0,
      localInputRoot: join(folder, 'input'),
      localOutputRoot: join(folder, 'output'),
      bootstrapTenants: [{ name: 'acme', apiKey: 'acme-secret-1' }],
      isEmbedded: true,
      log: createLogger({ name: 'test', level: 'silent', format: 'json' }),
    });
    db = createDb({ url, poolSize: 2, applicationName: 'test', onError: () => undefined });
  });

  afterAll(async () => {
    if (db !== undefined) await closeDb(db);
    await api?.stop();
    await postgres?.stop();
    // the last of its processes lets go of the disk a moment later
    await until(
      () =>
        disk.remove().then(
          () => true,
          () => undefined,
        ),
      20,
      'the disk to be free',
    );
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(() => {
    accepted = [];
  });

  /** Submits a job that takes some room; keeps the id of one that is accepted. */
  async function submit(sizeBytes = 100): Promise<{ status: number; error?: string }> {
    const custom_data = randomBytes(sizeBytes / 2).toString('hex');
    const response = await fetch(`${api.url}/job`, {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify(
        submission({ custom_data, rest_endpoints: ['http://127.0.0.1:8099/callback'] }),
      ),
    });
    const json = (await response.json()) as { id?: number; error?: string };
    if (json.id !== undefined) accepted.push(json.id);
    return { status: response.status, ...(json.error === undefined ? {} : { error: json.error }) };
  }

  const UNABLE = { status: 500, error: 'Unable to create job request' };

  /** Every job that is there: whole, with its log and where its callbacks go, and none that was accepted is missing. */
  async function expectNoGhosts(): Promise<void> {
    const { rows } = await sql<{ id: number; logs: number; streams: number }>`
      SELECT id, (SELECT count(*) FROM logs WHERE job_id = jobs.id AND message LIKE 'Job accepted%') AS logs,
             (SELECT count(*) FROM streams WHERE job_id = jobs.id) AS streams
      FROM jobs ORDER BY id`.execute(db);
    const known = new Set(rows.map((row) => row.id));
    expect(accepted.filter((id) => !known.has(id))).toEqual([]);
    for (const row of rows) expect(row).toEqual({ id: row.id, logs: 1, streams: 1 });
  }

  const health = async (): Promise<HealthJson> =>
    (await (await fetch(`${api.url}/health`, { headers: HEADERS })).json()) as HealthJson;

  const untilAccepted = () =>
    until(
      async () => ((await submit()).status === 200 ? true : undefined),
      40,
      'a job to be taken',
    );

  /** Lets new sessions write no more, or write again, and ends those that there are. */
  const setReadOnly = async (isOn: 'on' | 'off'): Promise<void> => {
    const session = createDb({
      url: postgresUrl(port, 'postgres'),
      poolSize: 1,
      applicationName: 'test-admin',
      onError: () => undefined,
    });
    await sql`SET default_transaction_read_only = off`.execute(session);
    await sql
      .raw(`ALTER DATABASE task_engine SET default_transaction_read_only = ${isOn}`)
      .execute(session);
    await sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = 'task_engine' AND application_name <> 'test-admin'`.execute(session);
    await closeDb(session);
  };

  test('that writes no more refuses jobs with a 500, and takes them when it writes again', async () => {
    expect(await submit()).toEqual({ status: 200 });
    await setReadOnly('on');
    await until(async () => ((await submit()).status === 500 ? true : undefined), 20, 'a refusal');
    expect(await submit()).toEqual(UNABLE);
    await setReadOnly('off');
    await untilAccepted();
    await expectNoGhosts();
  });

  test('whose disk is full loses no job and makes none by half, and takes jobs again when there is room', async () => {
    expect(await submit()).toEqual({ status: 200 });
    const { bavail, bsize } = await statfs(disk.folder);
    const filler = join(disk.folder, 'filler');
    await writeFile(filler, Buffer.alloc(bavail * bsize - 2 * MB));
    const answers: { status: number; error?: string }[] = [];
    await until(
      async () => {
        answers.push(await submit(500_000));
        return answers.filter((one) => one.status !== 200).length >= 3 ? true : undefined;
      },
      60,
      'the disk to be full',
    );
    for (const answer of answers) expect([{ status: 200 }, UNABLE]).toContainEqual(answer);
    expect((await health()).jobs).toBeDefined();
    await rm(filler);
    await untilAccepted();
    await expectNoGhosts();
    const databases = Object.values((await health()).databases);
    expect(databases.length).toBeGreaterThan(0);
    for (const one of databases) expect(one).toBe('OK');
  });
});
