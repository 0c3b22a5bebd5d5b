import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..', '..');
const FILE = join(ROOT, 'docker-compose.yml');
const ENVIRONMENT = { POSTGRES_PASSWORD: 'a', TEMPORAL_POSTGRES_PASSWORD: 'b' };
const LIBRARY = 'github.com/compose-spec/compose-go/v2@v2.9.1';

const hasGo = await execa('go', ['version']).then(
  () => true,
  () => false,
);

test('services that others wait for have a health check, and every password comes from the environment', async () => {
  const text = await readFile(FILE, 'utf8');
  const { services } = parse(text, { merge: true });
  for (const [name, service] of Object.entries<any>(services)) {
    for (const [other, { condition }] of Object.entries<any>(service.depends_on ?? {})) {
      expect([name, other, condition]).toEqual([name, other, 'service_healthy']);
      expect([other, typeof services[other]?.healthcheck]).toEqual([other, 'object']);
    }
    expect([name, service.restart]).toEqual([name, 'unless-stopped']);
  }
  expect(text.match(/PASSWORD: (?!\$\{[A-Z_]+:\?)/g)).toBeNull();
});

test('the image runs as its own user and its bundle is made when it is built', async () => {
  const text = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
  expect(text).toMatch(/^FROM node:24/m);
  expect(text).toMatch(/^USER node$/m);
  expect(text).toMatch(/node worker\/bundle\.ts/);
  expect(text).toMatch(/ffmpeg/);
});

// the specification's own library is Go; where Go is missing this is told as skipped, not as passed
describe.skipIf(!hasGo)('the compose specification (needs Go 1.23 or newer on PATH)', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task-engine-compose-'));
    await copyFile(join(import.meta.dirname, 'compose.go.txt'), join(folder, 'main.go'));
    await writeFile(join(folder, 'go.mod'), 'module check\n\ngo 1.23\n');
    await execa('go', ['get', LIBRARY], { cwd: folder });
    await execa('go', ['mod', 'tidy'], { cwd: folder });
    await execa('go', ['build', '-o', 'check', '.'], { cwd: folder });
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const check = (file: string, env: Record<string, string> = ENVIRONMENT) =>
    execa(join(folder, 'check'), [file], { reject: false, env });

  test('takes docker-compose.yml', async () => {
    const { exitCode, stderr } = await check(FILE);
    expect([exitCode, stderr]).toEqual([0, '']);
  });

  test('refuses a start without passwords', async () => {
    const { exitCode, stderr } = await check(FILE, {});
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/POSTGRES_PASSWORD/);
  });

  test.each([
    [
      'an unknown dependency',
      (text: string) => text.replace('temporal: { condition', 'nobody: { condition'),
    ],
    [
      'an unknown key',
      (text: string) => text.replace('stop_grace_period: 2m', 'stop_grace_perio: 2m'),
    ],
    ['a bad port', (text: string) => text.replace('127.0.0.1:8233:8080', '127.0.0.1:x:8080')],
  ])('refuses %s', async (_name, spoil) => {
    const text = await readFile(FILE, 'utf8');
    const spoiled = spoil(text);
    expect(spoiled).not.toBe(text);
    const file = join(folder, 'docker-compose.yml');
    await writeFile(file, spoiled);
    expect((await check(file)).exitCode).toBe(1);
  });
});
