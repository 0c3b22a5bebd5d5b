import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { runTool } from '../../../src/media/process/run-tool.ts';
import { describeEnd } from '../../../src/media/process/tool-error.ts';

const ENDLESS = [
  '-hide_banner',
  '-loglevel',
  'error',
  '-nostdin',
  '-re',
  '-f',
  'lavfi',
  '-i',
  'testsrc2',
  '-f',
  'null',
  '-progress',
  'pipe:1',
  '-',
];

/** Whether a process runs; a zombie does not. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return !/^State:\s+[ZX]/m.test(status);
  } catch {
    return false;
  }
}

test('a cancel ends a running ffmpeg within 5 s', async () => {
  const controller = new AbortController();
  const startedAt = Date.now();
  const running = runTool({
    program: 'ffmpeg',
    args: ENDLESS,
    timeoutMs: 60_000,
    signal: controller.signal,
  });
  await delay(500);
  controller.abort();
  const result = await running;
  expect(result.isCanceled).toBe(true);
  expect(Date.now() - startedAt).toBeLessThan(5500);
  expect(describeEnd(result)).toBe('ffmpeg was cancelled');
});

test('a tool that ignores SIGTERM is killed', async () => {
  const controller = new AbortController();
  const running = runTool({
    program: 'sh',
    args: ['-c', 'trap "" TERM; while true; do sleep 0.1; done'],
    timeoutMs: 60_000,
    signal: controller.signal,
  });
  await delay(300);
  controller.abort();
  expect(await running).toMatchObject({ isCanceled: true, signal: 'SIGKILL' });
});

test('a tool over its time is stopped and says so', async () => {
  const result = await runTool({ program: 'sleep', args: ['30'], timeoutMs: 300 });
  expect(result.timedOut).toBe(true);
  expect(describeEnd(result)).toMatch(/took too long/);
});

test('a tool that makes no progress is noticed, even when it is stopped dead', async () => {
  let isStopped = false;
  const result = await runTool({
    program: 'ffmpeg',
    args: ENDLESS,
    timeoutMs: 60_000,
    stallMs: 1500,
    onLine: () => {
      if (isStopped) return;
      isStopped = true;
      void (async () => {
        for (const entry of (
          await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
        )
          .trim()
          .split(' ')) {
          if ((await readFile(`/proc/${entry}/cmdline`, 'utf8')).includes('testsrc2'))
            process.kill(Number(entry), 'SIGSTOP');
        }
      })();
    },
  });
  expect(result).toMatchObject({ isStalled: true, signal: 'SIGKILL' });
});

test.each([
  ['grows', (): number => performance.now(), false],
  ['does not grow', (): number => 1, true],
])('a silent tool whose output %s is judged by that', async (_how, bytes, isStalled) => {
  const result = await runTool({
    program: 'sleep',
    args: ['4'],
    timeoutMs: 60_000,
    stallMs: 2500,
    measure: async () => bytes(),
  });
  expect(result.isStalled).toBe(isStalled);
});

test('a failure says what the tool said, without folders of this host', async () => {
  const result = await runTool({
    program: 'ffmpeg',
    args: [
      '-hide_banner',
      '-loglevel',
      'error',
      '-i',
      'file:/very/secret/place/none.mp4',
      '-f',
      'null',
      '-',
    ],
    timeoutMs: 10_000,
  });
  expect(describeEnd(result)).toMatch(/^ffmpeg failed with exit code \d+: .*none\.mp4/);
  expect(describeEnd(result)).not.toContain('secret');
});

test('a program that is not there is an error that names it', async () => {
  const result = await runTool({ program: 'no-such-tool', args: [], timeoutMs: 1000 });
  expect(describeEnd(result)).toMatch(/no-such-tool/);
});

test('tools die with the process that started them, even when it is killed', async () => {
  const script = `
    import { runTool } from ${JSON.stringify(join(import.meta.dirname, '../../../src/media/process/run-tool.ts'))};
    void runTool({ program: 'sleep', args: ['300.25'], timeoutMs: 600000 });
    setInterval(() => undefined, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: 'ignore',
  });
  let child = 0;
  for (let tries = 0; tries < 50 && child === 0; tries++) {
    await delay(100);
    const children = await readFile(
      `/proc/${parent.pid}/task/${parent.pid}/children`,
      'utf8',
    ).catch(() => '');
    for (const entry of children.trim().split(' ').filter(Boolean)) {
      const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
      if (line.startsWith('sleep')) child = Number(entry);
    }
  }
  expect(child).toBeGreaterThan(0);
  parent.kill('SIGKILL');
  for (let tries = 0; tries < 30 && (await isAlive(child)); tries++) await delay(100);
  expect(await isAlive(child)).toBe(false);
});

test('a tool gets no secret of the environment, but what an operator names for it', async () => {
  vi.stubEnv('SECRETS_KEY', 'seals everything');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'opens the bucket');
  vi.stubEnv('LIBVA_DRIVER_NAME', 'iHD');
  vi.stubEnv('TOOL_ENVIRONMENT', 'LIBVA_DRIVER_NAME, NOT_SET');
  const { stdout, exitCode } = await runTool({
    program: 'env',
    args: [],
    timeoutMs: 10_000,
    stdoutBytes: 10_000,
  });
  vi.unstubAllEnvs();
  expect(exitCode).toBe(0);
  const names = stdout
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0]);
  expect(names).toEqual(expect.arrayContaining(['PATH', 'LIBVA_DRIVER_NAME']));
  expect(stdout).not.toMatch(/SECRET|seals|opens|NOT_SET/);
});
