import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { isRunning } from '../../../dev/process-identity.ts';
import type { StackAddresses } from '../../../dev/stack/stack.ts';
import { createTestDatabase } from '../../helpers/database.ts';
import { until } from '../../helpers/engine.ts';
import { createTestNamespace } from '../../helpers/namespace.ts';
import { readAddresses, StackProcess } from '../../helpers/stack-process.ts';

const NAMES = ['api', 'worker', 'temporal', 'postgres'] as const;
const CREDENTIALS = {
  client: 'acme',
  'api-key': 'acme-secret-1',
  'content-type': 'application/json',
};
const TENANT = { BOOTSTRAP_TENANTS: 'acme:acme-secret-1' };

const pidsOf = (addresses: StackAddresses): number[] =>
  NAMES.map((name) => addresses[name].pid).filter((pid) => pid !== undefined);

async function untilGone(pids: readonly number[], seconds: number): Promise<void> {
  await until(
    async () => {
      const running = await Promise.all(pids.map((pid) => isRunning(pid)));
      return running.includes(true) ? undefined : true;
    },
    seconds,
    `processes ${pids.join(', ')} to end`,
  );
}

/** Waits until a piece is entered in `stack.json` under another process id. */
async function untilReplaced(
  dataDir: string,
  name: (typeof NAMES)[number],
  pid: number | undefined,
) {
  return until(
    async () => {
      const found = await readAddresses(dataDir);
      const next = found[name].pid;
      return next !== undefined && next !== pid && (await isRunning(next)) ? found : undefined;
    },
    30,
    `another ${name}`,
  );
}

async function jobCount(apiUrl: string): Promise<number> {
  const response = await fetch(`${apiUrl}/jobs`, { headers: CREDENTIALS });
  return ((await response.json()) as readonly unknown[]).length;
}

/** Whole engines are started, on a machine that may be busy. */
const SLOW = { timeout: 180_000 };

describe('the embedded stack', SLOW, () => {
  let dataDir: string;
  let stack: StackProcess;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'task-engine-stack-'));
    stack = new StackProcess(dataDir, TENANT);
    await stack.untilReady();
  }, SLOW.timeout);

  afterAll(async () => {
    await stack.end('SIGKILL');
    await untilGone(pidsOf(await readAddresses(dataDir).catch(() => empty)), 20);
    await rm(dataDir, { recursive: true, force: true });
  });

  const empty = {
    api: { url: '' },
    worker: {},
    temporal: { address: '', ui: '' },
    postgres: { url: '' },
  };

  test('says where everything is, in its ready line and in stack.json', async () => {
    const found = await readAddresses(dataDir);
    expect(pidsOf(found)).toHaveLength(4);
    for (const address of [
      found.api.url,
      found.temporal.ui,
      found.temporal.address,
      found.postgres.url,
    ]) {
      expect(stack.output).toContain(address);
    }
    expect(await (await fetch(found.api.url)).json()).toEqual({ result: 'alive' });
    expect((await fetch(found.temporal.ui)).status).toBe(200);
  });

  test('is refused a second time on the same data folder, and the first goes on', async () => {
    const second = new StackProcess(dataDir, TENANT);
    expect(await second.ended()).toBe(1);
    expect(second.output).toContain(dataDir);
    expect(second.output).toContain(`process ${stack.pid}`);
    expect((await fetch((await readAddresses(dataDir)).api.url)).status).toBe(200);
  });

  test.each(NAMES)(
    'starts a killed %s again at its old address, and stack.json follows',
    async (name) => {
      const before = await readAddresses(dataDir);
      process.kill(before[name].pid ?? 0, 'SIGKILL');
      const after = await untilReplaced(dataDir, name, before[name].pid);
      const { pid: oldPid, ...oldAddress } = before[name];
      const { pid: newPid, ...newAddress } = after[name];
      expect(newPid).not.toBe(oldPid);
      expect(newAddress).toEqual(oldAddress);
      await until(
        async () => ((await fetch(after.api.url).catch(() => undefined))?.ok ? true : undefined),
        20,
        'the api to answer',
      );
    },
  );

  test('leaves nothing in the way of the next start when it is killed, and its state is kept', async () => {
    const before = await readAddresses(dataDir);
    const answer = await fetch(`${before.api.url}/job`, {
      method: 'POST',
      headers: CREDENTIALS,
      body: JSON.stringify({
        job: { workflow: 'vodstream', run_at: '2099-01-01T00:00:00.000' },
        parameters: { content_id: 'kept', source_folder: 'none', output_folder: 'none' },
      }),
    });
    expect(answer.status).toBe(200);
    await stack.end('SIGKILL');
    stack = new StackProcess(dataDir, TENANT);
    await stack.untilReady();
    const { api } = await readAddresses(dataDir);
    expect(await jobCount(api.url)).toBe(1);
    await untilGone(pidsOf(before), 5);
  });

  test('stops everything when it is asked to', async () => {
    const pids = pidsOf(await readAddresses(dataDir));
    expect(await stack.end('SIGINT')).toBe(0);
    await untilGone(pids, 1);
  });
});

describe('a start of the stack', SLOW, () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'task-engine-stack-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  test('that finds its port taken ends and names the port and the variable', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    try {
      const stack = new StackProcess(dataDir, { PORT: String(port) });
      expect(await stack.ended()).toBe(1);
      expect(stack.output).toContain(`Port ${port} is taken`);
      expect(stack.output).toContain('set PORT');
    } finally {
      other.close();
    }
  });

  test('with addresses in the environment uses those servers and starts none', async () => {
    const database = await createTestDatabase();
    const stack = new StackProcess(dataDir, {
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: inject('services').temporalAddress,
      TEMPORAL_NAMESPACE: await createTestNamespace(),
    });
    try {
      await stack.untilReady();
      const found = await readAddresses(dataDir);
      expect(found.postgres).toEqual({ url: database.url });
      expect(found.temporal.pid).toBeUndefined();
      expect(found.temporal.address).toBe(inject('services').temporalAddress);
      expect((await fetch(found.api.url)).status).toBe(200);
    } finally {
      await stack.end('SIGTERM');
      await database.drop();
    }
  });
});
