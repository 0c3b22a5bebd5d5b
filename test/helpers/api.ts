import { createApp } from '../../api/app.ts';
import { bootstrapTenants } from '../../api/bootstrap.ts';
import { assessUrl } from '../../src/egress/assess-url.ts';
import { createLogger } from '../../src/log/logger.ts';
import { admitJobs } from '../../src/store/admission.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

const SILENT = createLogger({ name: 'test', level: 'silent', format: 'json' });

/** An answer of the API. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: any;
}

/** The API over a database of its own, with two tenants and no Temporal. */
export interface TestApi {
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

export async function createTestApi(): Promise<TestApi> {
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
  const waiting: Promise<unknown>[] = [];
  const app = createApp({
    db,
    log: SILENT,
    admitter: {
      request: (tenantId) => void waiting.push(admitJobs(db, tenantId)),
      drain: async () => void (await Promise.all(waiting)),
    },
    checkUrl: assessUrl,
    now: () => new Date(),
  });
  return {
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
    stop: () => database.drop(),
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
