import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callbackHeaderContext } from '../../../src/domain/callback-headers.ts';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { createSecretBox } from '../../../src/secrets/secret-box.ts';
import { putCallbackHeader } from '../../../src/store/callback-headers.ts';
import { listLogs, type LogRow } from '../../../src/store/logs.ts';
import { CallbackSink } from '../../helpers/callback-sink.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addJob, addTenant, drain, endpointIds, tellJob } from './deliveries.ts';

const TOKEN = 'canary-4e81f0b27c-abcd';
const SIGNATURE = 'canary-9b1d33a0e6-wxyz';
const secrets = createSecretBox([randomBytes(32)]);

let database: TestDatabase;
let egress: Egress;

beforeAll(async () => {
  database = await createTestDatabase();
  egress = createEgress();
});

afterAll(async () => {
  await egress.close();
  await database.drop();
});

/** The callback rows of a job with one task, told to a receiver that answers so. */
async function deliver(
  answer: (event: unknown) => number,
  retryWaitsSeconds: readonly number[],
): Promise<readonly LogRow[]> {
  const { db } = database;
  const sink = await new CallbackSink(({ body }) => answer(body['event'])).start();
  try {
    const tenantId = await addTenant(db);
    const sealed = secrets.seal(`Bearer ${TOKEN}`, callbackHeaderContext(tenantId, 'x-partner'));
    await putCallbackHeader(db, tenantId, 'x-partner', sealed);
    const jobId = await addJob(db, tenantId, [`${sink.url('/cb')}?sig=${SIGNATURE}&page=2`]);
    await tellJob(db, jobId, 1);
    const [endpointId = 0] = await endpointIds(db, tenantId);
    await drain({ db, egress, secrets, retryWaitsSeconds }, endpointId);
    const rows = await listLogs(db, jobId, { withInvisible: true });
    return rows.filter((row) => row.progname === 'callback');
  } finally {
    await sink.close();
  }
}

const shown = (row: LogRow) => [row.severity, row.isVisible];

test('a delivery is a row out of sight: method, URL, status, duration, headers with their ends only', async () => {
  const rows = await deliver(() => 200, []);
  expect(rows.map(shown)).toEqual([
    ['DEBUG', false],
    ['DEBUG', false],
    ['DEBUG', false],
  ]);
  for (const row of rows) {
    expect(row.message).toMatch(
      /^POST http:\/\/127\.0\.0\.1:\d+\/cb\?sig=\*{4}wxyz&page=2 answered 200 in \d+ ms with x-partner: Bearer \*{4}abcd$/,
    );
  }
});

test('a failed attempt is a warning with the next try, the last one an error; both are seen', async () => {
  const rows = await deliver((event) => (event === 'start' ? 503 : 204), [0.02]);
  expect(rows.map(shown)).toEqual([
    ['WARN', true],
    ['ERROR', true],
    ['DEBUG', false],
    ['DEBUG', false],
  ]);
  expect(rows[0]?.message).toMatch(
    /\?sig=\*{4}wxyz&page=2 answered 503 after \d+ ms; attempt 2 in 0\.\d s$/,
  );
  expect(rows[1]?.message).toMatch(/given up after 2 attempts: answered 503$/);
});

test('no row holds a secret of the URL or of a header', async () => {
  const rows = await deliver((event) => (event === 'start' ? 500 : 200), [0.02]);
  const text = rows.map((row) => row.message).join('\n');
  for (const secret of [TOKEN, SIGNATURE]) expect(text).not.toContain(secret.slice(0, -4));
});
