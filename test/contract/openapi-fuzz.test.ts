import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestEngine } from '../helpers/engine.ts';
import { ensureSchemathesis } from '../helpers/schemathesis.ts';

const SETUP_MS = 400_000;
const RUN_MS = 600_000;

/** Requests per operation in the fuzzing phase. */
const EXAMPLES = 40;

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
];

/** These two ask Temporal, and say with a documented 503 where it is too slow on a busy machine. */
const SLOW = ['/scheduler', '/schedules'].map(
  (path) => `[[operations]]
include-path = "${path}"
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]
`,
);

/** A reader of events may wait for half a minute, each time. */
const WAITING = `[[operations]]
include-path = "/events"
parameters = { wait = 0 }
`;

const CONFIG = [...SLOW, WAITING].join('\n');

/** Command line options; one worker, as two of them race inside its generator. */
const options = (more: Readonly<Record<string, string>>): readonly string[] => [
  '--continue-on-failure',
  '--no-color',
  '--header=client: acme',
  '--header=api-key: acme-secret-1',
  ...Object.entries({
    checks: CHECKS.join(','),
    phases: 'examples,coverage,fuzzing',
    'max-examples': String(EXAMPLES),
    'generation-database': 'none',
    'request-timeout': '20',
    'suppress-health-check': 'all',
    warnings: 'off',
    workers: '1',
    ...more,
  }).map(([name, value]) => `--${name}=${value}`),
];

const schemathesis = await ensureSchemathesis();
if ('missing' in schemathesis) process.stdout.write(`schemathesis: ${schemathesis.missing}\n`);

let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.create({ isStarted: false });
  await engine.startApi();
  // it creates the schedules; without it PUT /scheduler answers 503, as it should
  await engine.startWorker('scheduler');
}, SETUP_MS);

afterAll(() => engine.stop());

test.skipIf('missing' in schemathesis)(
  'no generated request gets a server error, an undocumented status or an answer that its schema does not allow',
  async () => {
    const program = 'program' in schemathesis ? schemathesis.program : '';
    const config = join(engine.folder, 'schemathesis.toml');
    await writeFile(config, CONFIG);
    const seed = String(Date.now() % 1_000_000);
    const run = await execa(
      program,
      ['--config-file', config, 'run', `${engine.apiUrl}/openapi.json`, ...options({ seed })],
      { reject: false, all: true, timeout: RUN_MS, cwd: engine.folder },
    );
    expect({ seed, exitCode: run.exitCode, says: run.exitCode === 0 ? '' : run.all }).toEqual({
      seed,
      exitCode: 0,
      says: '',
    });
  },
  RUN_MS,
);
