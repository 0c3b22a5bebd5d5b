import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { TENANT_NAME } from '../domain/tenant-name.ts';

/** A tenant that is created at start when it is missing. */
export interface BootstrapTenant {
  readonly name: string;
  readonly apiKey: string;
}

/** Everything the environment may say, typed, with defaults, frozen. */
export interface Config {
  /** Port of the REST API. Default 8080. */
  readonly port: number;
  /** Address the API binds to. Default 127.0.0.1; a container says 0.0.0.0. */
  readonly host: string;
  /** `host:port` of a Temporal server; undefined lets the embedded stack start one. */
  readonly temporalAddress: string | undefined;
  readonly temporalNamespace: string;
  /** Ports of the embedded Temporal server and its Web UI. Default 7233 and 8233. */
  readonly temporalPort: number;
  readonly temporalUiPort: number;
  /** Where people open the Temporal Web UI, for links in logs. */
  readonly temporalUiUrl: string;
  /** The Temporal command line program, where it is not to be looked for. */
  readonly temporalCli: string | undefined;
  /** Postgres connection string; undefined lets the embedded stack start one. */
  readonly databaseUrl: string | undefined;
  /** Connections one process may hold to Postgres. Default 10. */
  readonly databasePoolSize: number;
  /** Whether the api changes the database schema at its start, or waits until somebody has. */
  readonly migrate: 'auto' | 'never';
  /** Where the embedded stack keeps its state. Default `.data`. */
  readonly dataDir: string;
  /** Scratch files of jobs; shared by all workers that share a job. */
  readonly workRoot: string;
  /** Bytes that scratch files may take: of one job, of all jobs of this disk. Undefined limits nothing. */
  readonly scratchJobLimitBytes: number | undefined;
  readonly scratchHostLimitBytes: number | undefined;
  /** Bytes of the disk of `workRoot` kept free. Undefined: 1 GiB, or 5 % of a disk that is small. */
  readonly scratchReserveBytes: number | undefined;
  /** Roots of `local` storage: a tenant without roots of its own gets `<root>/<tenant>`. */
  readonly localInputRoot: string;
  readonly localOutputRoot: string;
  readonly logLevel: LogLevel;
  /** `json` in production, `pretty` elsewhere. */
  readonly logFormat: 'json' | 'pretty';
  readonly bootstrapTenants: readonly BootstrapTenant[];
  /** What each API process lets in, a minute; 0 limits nothing. */
  readonly limits: {
    readonly writesPerMinute: number;
    readonly readsPerMinute: number;
    readonly failedLoginsPerMinute: number;
    readonly trustedProxies: number;
  };
  /** Keys of 32 bytes for what is kept sealed: the first seals, all open. Default none. */
  readonly secretsKeys: readonly Buffer[];
  /** True inside `npm start`, `npm run demo` and the tests: tenants made at start may call loopback. */
  readonly isEmbedded: boolean;
  /** Cache of the person running this, for tools and bundles. */
  readonly cacheDir: string;
}

const SECRETS_KEY_BYTES = 32;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** How much is logged. */
export type LogLevel = (typeof LOG_LEVELS)[number];

const port = (fallback: number) =>
  z.coerce
    .number({ error: 'is not a number' })
    .int('is not a whole number')
    .min(0, 'is below 0')
    .max(65_535, 'is above 65535')
    .default(fallback);

const perMinute = (fallback: number) =>
  z.coerce
    .number({ error: 'is not a number' })
    .int('is not a whole number')
    .min(0, 'is below 0')
    .default(fallback);

const bytes = (least: number) =>
  z.coerce
    .number({ error: 'is not a number' })
    .int('is not a whole number of bytes')
    .min(least, `is below ${least}`)
    .optional();

const secretsKeys = z
  .string()
  .default('')
  .transform((value, context) =>
    value
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
      .map((one) => {
        const key = Buffer.from(one, 'base64');
        if (key.length !== SECRETS_KEY_BYTES) {
          context.addIssue({
            code: 'custom',
            message: `must be ${SECRETS_KEY_BYTES} bytes in base64 (openssl rand -base64 32)`,
          });
        }
        return key;
      }),
  );

const text = z.string().min(1).optional();

const bootstrapTenants = z
  .string()
  .default('')
  .transform((value, context) =>
    value
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
      .map((entry) => {
        const at = entry.indexOf(':');
        const name = entry.slice(0, at);
        const apiKey = entry.slice(at + 1);
        if (at < 1 || apiKey.length < 8 || !TENANT_NAME.test(name)) {
          context.addIssue({
            code: 'custom',
            message:
              'must be name:key,name:key; a name has letters, digits, - and _, a key at least 8 characters',
          });
        }
        return { name, apiKey };
      }),
  );

const Environment = z.object({
  PORT: port(8080).describe('port of the REST API; 0 takes a free one'),
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address the API binds to; a container says 0.0.0.0'),
  TEMPORAL_ADDRESS: text.describe(
    'host:port of a Temporal server; given, none is started by the embedded stack',
  ),
  TEMPORAL_NAMESPACE: z
    .string()
    .min(1)
    .default('default')
    .describe('Temporal namespace of the jobs; the embedded stack creates it'),
  TEMPORAL_PORT: port(7233).describe('port of the embedded Temporal server; 0 takes a free one'),
  TEMPORAL_UI_PORT: port(8233).describe('port of its Web UI; 0 takes a free one'),
  TEMPORAL_UI_URL: text.describe(
    'where people open the Temporal Web UI (default http://127.0.0.1:<TEMPORAL_UI_PORT>)',
  ),
  TEMPORAL_CLI: text.describe(
    'path of the Temporal command line program, where set-up shall not look for it',
  ),
  DATABASE_URL: text.describe(
    'postgres://… of a database of Postgres 15 or newer; given, none is started by the embedded stack',
  ),
  DATABASE_POOL_SIZE: z.coerce
    .number()
    .int()
    .min(2)
    .max(200)
    .default(10)
    .describe('connections that one process may hold to Postgres'),
  MIGRATE: z
    .enum(['auto', 'never'], { error: 'must be auto or never' })
    .default('auto')
    .describe(
      'auto: the api brings the database schema up to date at its start; never: it waits for npm run migrate',
    ),
  DATA_DIR: z.string().min(1).default('.data').describe('where the embedded stack keeps its state'),
  WORK_ROOT: text.describe(
    'scratch files of jobs, shared by workers that share a job (default <DATA_DIR>/work)',
  ),
  SCRATCH_JOB_LIMIT_BYTES: bytes(1).describe(
    'bytes of scratch that one job may use (default no limit)',
  ),
  SCRATCH_HOST_LIMIT_BYTES: bytes(1).describe(
    'bytes of scratch that all jobs below one WORK_ROOT may use together (default no limit)',
  ),
  SCRATCH_RESERVE_BYTES: bytes(0).describe(
    'bytes that jobs leave free on the disk of WORK_ROOT (default 1 GiB, on a disk below 20 GiB 5 % of it)',
  ),
  LOCAL_INPUT_ROOT: text.describe(
    'root of local sources; a tenant reads <root>/<tenant> (default <DATA_DIR>/input)',
  ),
  LOCAL_OUTPUT_ROOT: text.describe(
    'root of local results; a tenant writes <root>/<tenant> (default <DATA_DIR>/output)',
  ),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` })
    .default('info')
    .describe(`how much is logged: ${LOG_LEVELS.join(', ')}`),
  LOG_FORMAT: z
    .enum(['json', 'pretty'])
    .optional()
    .describe('json or pretty (default json where NODE_ENV is production, else pretty)'),
  NODE_ENV: text.describe('production chooses logs for machines'),
  BOOTSTRAP_TENANTS: bootstrapTenants.describe(
    'tenants created when missing: name:key,name:key; a key has at least 8 characters',
  ),
  SECRETS_KEY: secretsKeys.describe(
    '32 bytes in base64 that seal secrets of storages and callbacks in the database; a second one after a comma still opens',
  ),
  RATE_LIMIT_WRITES: perMinute(60_000).describe(
    'submissions and changes of one tenant a minute, in each api process; 0 limits nothing',
  ),
  RATE_LIMIT_READS: perMinute(60_000).describe('other requests of one tenant a minute'),
  RATE_LIMIT_FAILED_LOGINS: perMinute(60).describe(
    'failed logins of one address, and for one name, a minute',
  ),
  TRUSTED_PROXIES: z.coerce
    .number({ error: 'is not a number' })
    .int()
    .min(0)
    .max(10)
    .default(0)
    .describe('proxies before the api whose X-Forwarded-For says where a request comes from'),
  EMBEDDED: z
    .enum(['0', '1'])
    .default('0')
    .describe(
      '1 inside the embedded stack, which sets it: tenants made at start may call loopback',
    ),
  XDG_CACHE_HOME: text.describe(
    'folder of caches; set-up keeps its tools below it (default ~/.cache)',
  ),
});

/** One variable that the environment may set, for people. */
export interface EnvironmentVariable {
  readonly name: string;
  readonly description: string;
  /** What applies where it is not set; undefined where the description says it. */
  readonly fallback: string | undefined;
}

/** Every variable that {@link readConfig} reads, in the order to show them. */
export function describeEnvironment(): readonly EnvironmentVariable[] {
  return Object.entries(Environment.shape).map(([name, schema]) => {
    const absent = schema.safeParse(undefined);
    const fallback =
      absent.success && absent.data !== undefined ? `${absent.data as string | number}` : '';
    return {
      name,
      description: schema.description ?? '',
      fallback: fallback === '' ? undefined : fallback,
    };
  });
}

/** The environment says something that cannot be; the message names the variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the environment once. Throws {@link ConfigError} naming every variable that is wrong. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const reasons = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(reasons.join('; '));
  }
  const env = parsed.data;
  const dataDir = resolve(env.DATA_DIR);
  return Object.freeze({
    port: env.PORT,
    host: env.HOST,
    temporalAddress: env.TEMPORAL_ADDRESS,
    temporalNamespace: env.TEMPORAL_NAMESPACE,
    temporalPort: env.TEMPORAL_PORT,
    temporalUiPort: env.TEMPORAL_UI_PORT,
    temporalUiUrl: env.TEMPORAL_UI_URL ?? `http://127.0.0.1:${env.TEMPORAL_UI_PORT}`,
    temporalCli: env.TEMPORAL_CLI,
    databaseUrl: env.DATABASE_URL,
    databasePoolSize: env.DATABASE_POOL_SIZE,
    migrate: env.MIGRATE,
    dataDir,
    workRoot: resolve(env.WORK_ROOT ?? join(dataDir, 'work')),
    scratchJobLimitBytes: env.SCRATCH_JOB_LIMIT_BYTES,
    scratchHostLimitBytes: env.SCRATCH_HOST_LIMIT_BYTES,
    scratchReserveBytes: env.SCRATCH_RESERVE_BYTES,
    localInputRoot: resolve(env.LOCAL_INPUT_ROOT ?? join(dataDir, 'input')),
    localOutputRoot: resolve(env.LOCAL_OUTPUT_ROOT ?? join(dataDir, 'output')),
    logLevel: env.LOG_LEVEL,
    logFormat: env.LOG_FORMAT ?? (env.NODE_ENV === 'production' ? 'json' : 'pretty'),
    bootstrapTenants: env.BOOTSTRAP_TENANTS,
    limits: Object.freeze({
      writesPerMinute: env.RATE_LIMIT_WRITES,
      readsPerMinute: env.RATE_LIMIT_READS,
      failedLoginsPerMinute: env.RATE_LIMIT_FAILED_LOGINS,
      trustedProxies: env.TRUSTED_PROXIES,
    }),
    secretsKeys: env.SECRETS_KEY,
    isEmbedded: env.EMBEDDED === '1',
    cacheDir: join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'task-engine'),
  });
}

/** The environment of a child process: this process's own, with the given variables in place. */
export function childEnvironment(
  variables: Readonly<Record<string, string>>,
): Readonly<Record<string, string | undefined>> {
  return { ...process.env, ...variables };
}
