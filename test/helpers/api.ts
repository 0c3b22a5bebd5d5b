import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { createApp } from '../../api/app.ts';
import { bootstrapTenants } from '../../api/bootstrap.ts';
import type { ApiDeps } from '../../api/deps.ts';
import { createHealthParts } from '../../api/health/parts.ts';
import { createSourceLookup } from '../../api/submission/source-lookup.ts';
import { assessUrl } from '../../src/egress/assess-url.ts';
import { createLogger } from '../../src/log/logger.ts';
import { checkSharedRoots, checkTenantStorage } from '../../src/storage/check-root.ts';
import { createSecretBox } from '../../src/secrets/secret-box.ts';
import { createFindPlace } from '../../src/storage/find-place.ts';
import { createStorages } from '../../src/storage/storages.ts';
import { admitJobs } from '../../src/store/admission.ts';
import { getTenantStorage } from '../../src/store/tenant-storages.ts';
import { getTenant } from '../../src/store/tenants.ts';
import { createTemporalClient } from '../../src/temporal/client.ts';
import type { Schedules } from '../../src/temporal/schedules.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { FakeSchedules } from './schedules.ts';

const SILENT = createLogger({ name: 'test', level: 'silent', format: 'json' });

/** An answer of the API. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: any;
}

/** The API over a database and a folder of its own, with two tenants and no workers. */
export interface TestApi {
  /** Holds `input/<tenant>` and `output/<tenant>`. */
  readonly folder: string;
  /** What its app is made with. */
  readonly deps: ApiDeps;
  readonly app: ReturnType<typeof createApp>;
  readonly database: TestDatabase;
  /** Sends a request as `acme`; `headers` replace those of its credentials. */
  readonly send: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<ApiAnswer>;
  readonly stop: () => Promise<void>;
}

export const ACME = { client: 'acme', 'api-key': 'acme-secret-1' };
export const OTHER = { client: 'other', 'api-key': 'other-secret-1' };

export async function createTestApi(
  options: {
    /** Temporal's, where a test has one. */
    readonly schedules?: Schedules;
    /** Keys that open what is kept sealed. Default none. */
    readonly secretsKeys?: readonly Buffer[];
  } = {},
): Promise<TestApi> {
  const database = await createTestDatabase();
  const { db } = database;
  await bootstrapTenants(
    { db, log: SILENT },
    [
      { name: 'acme', apiKey: 'acme-secret-1' },
      { name: 'other', apiKey: 'other-secret-1' },
    ],
    { isEmbedded: true },
  );
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-api-'));
  const temporal = createTemporalClient({
    address: inject('services').temporalAddress,
    namespace: 'default',
    isImpatient: true,
  });
  const roots = { localInputRoot: join(folder, 'input'), localOutputRoot: join(folder, 'output') };
  const secrets = createSecretBox(options.secretsKeys ?? []);
  const storages = createStorages({
    ...roots,
    getRoots: (tenant) => getTenant(db, tenant),
    getRemote: (tenant, kind, side) => getTenantStorage(db, tenant, kind, side),
    secrets,
  });
  const findPlace = createFindPlace({ ...roots, secrets });
  const waiting: Promise<unknown>[] = [];
  const deps: ApiDeps = {
    db,
    log: SILENT,
    admitter: {
      request: (tenantId) => void waiting.push(admitJobs(db, tenantId)),
      drain: async () => void (await Promise.all(waiting)),
    },
    checkUrl: assessUrl,
    now: () => new Date(),
    schedules: options.schedules ?? new FakeSchedules(),
    health: createHealthParts({
      databaseUrl: database.url,
      temporal,
      roots,
      checkTenantStorage: (tenant, shared) => checkTenantStorage(tenant, shared, storages),
      checkSharedRoots,
    }),
    lookUpSource: createSourceLookup({ db, storages, findPlace }),
    findPlace,
  };
  const app = createApp(deps);
  return {
    folder,
    deps,
    app,
    database,
    send: async (method, path, body, headers = ACME) => {
      const response = await app.request(path, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      await Promise.all(waiting);
      const text = await response.text();
      const isJson = (response.headers.get('content-type') ?? '').includes('json');
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: isJson ? JSON.parse(text) : undefined,
      };
    },
    stop: async () => {
      await temporal.close();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A submission that is accepted. */
export const submission = (
  parameters: Record<string, unknown> = {},
  job: Record<string, unknown> = {},
): unknown => ({
  job: { workflow: 'vodstream', ...job },
  parameters: { content_id: 'movie', source_folder: 'in/movie', ...parameters },
});
