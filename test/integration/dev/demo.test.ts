import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { childEnvironment } from '../../../src/config/config.ts';

const SCRIPT = join(import.meta.dirname, '..', '..', '..', 'dev', 'demo', 'main.ts');

/** A whole engine is set up, used and taken down, on a machine that may be busy. */
const SLOW = { timeout: 240_000 };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'task-engine-demo-test-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the demo to its end, its temporary folders inside the test's. */
function runDemo(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<{ exitCode: number | null; output: string }> {
  return new Promise((resolve) => {
    const env = childEnvironment({ TMPDIR: folder, ...variables });
    const child = execFile(process.execPath, [SCRIPT, ...args], { env }, (_, stdout, stderr) =>
      resolve({ exitCode: child.exitCode, output: stdout + stderr }),
    );
  });
}

const demoFolders = async (): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.startsWith('task-engine-demo-'));

test(
  'the demo prints each callback, where the result is, and keeps only that and the logs',
  SLOW,
  async () => {
    // an engine that somebody else's settings point at is left alone
    const { exitCode, output } = await runDemo([], {
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      LOCAL_OUTPUT_ROOT: '/nonexistent',
    });
    expect(output).toMatch(/^ {2}\d\d:\d\d:\d\d\.\d{3} {2}package +start$/m);
    expect(output).toMatch(/^ {2}\d\d:\d\d:\d\d\.\d{3} {2}job +completed /m);
    expect(output).toMatch(
      /^History +http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/job-1$/m,
    );
    expect(output).toMatch(/^Play it +http:\/\/127\.0\.0\.1:\d+\/\?manifest=/m);
    const manifest = /^Manifest +(.+)$/m.exec(output)?.[1] ?? '';
    const playlist = await readFile(manifest, 'utf8');
    expect(playlist).toContain('LANGUAGE="en"');
    expect(playlist).toContain('LANGUAGE="es"');
    expect(playlist).toContain('TYPE=SUBTITLES');
    const log = await readFile(/^Job's log +(.+)$/m.exec(output)?.[1] ?? '', 'utf8');
    expect(log).toContain('Job completed');
    const [kept = ''] = await demoFolders();
    const logs = ['api.log', 'job-1.log', 'temporal.log', 'worker.log'];
    expect((await readdir(join(folder, kept))).sort()).toEqual([...logs, 'output'].sort());
    expect(exitCode).toBe(0);
  },
);

test('the demo of a file that is no video ends with exit code 1 and the reason', SLOW, async () => {
  const clip = join(folder, 'broken.mp4');
  await writeFile(clip, 'this is not a video');
  const { exitCode, output } = await runDemo([clip]);
  expect(exitCode).toBe(1);
  expect(output).toMatch(/^Demo: The job failed: .*broken\.mp4/m);
});

test('the demo of a file that is not there ends before anything is started', SLOW, async () => {
  const { exitCode, output } = await runDemo(['missing.mp4']);
  expect(exitCode).toBe(1);
  expect(output.trim()).toBe('Demo: missing.mp4 is not a file that can be read');
  expect(await demoFolders()).toEqual([]);
});
