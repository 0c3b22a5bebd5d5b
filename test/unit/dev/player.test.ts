import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PlayerServer, parseRange, startPlayer } from '../../../dev/demo/player.ts';

describe('a byte range of 100 bytes', () => {
  test.each([
    ['bytes=0-9', { start: 0, end: 9 }],
    ['bytes=90-', { start: 90, end: 99 }],
    ['bytes=90-500', { start: 90, end: 99 }],
    ['bytes=-10', { start: 90, end: 99 }],
    ['bytes=-500', { start: 0, end: 99 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=9-0', undefined],
    ['bytes=0-1,5-6', undefined],
    ['items=0-1', undefined],
    [undefined, undefined],
  ])('%s is %o', (header, range) => {
    expect(parseRange(header, 100)).toEqual(range);
  });
});

describe("the demo's page", () => {
  let folder: string;
  let player: PlayerServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task-engine-player-'));
    await writeFile(join(folder, 'a.mp4'), '0123456789');
    await writeFile(join(folder, 'empty.vtt'), '');
    await symlink('/etc/hostname', join(folder, 'link.json'));
    player = await startPlayer(folder);
  });

  afterAll(async () => {
    await player.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Sends the path as it stands: fetch would resolve its dots. */
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
      const { hostname, port } = new URL(player.pageUrl(''));
      request({ hostname, port, path, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => {
          const type = String(response.headers['content-type']);
          resolve({ status: response.statusCode ?? 0, type, text });
        });
      })
        .on('error', reject)
        .end();
    });

  test('is served with the player it loads', async () => {
    expect(await get('/?manifest=a.m3u8')).toMatchObject({
      status: 200,
      type: expect.stringContaining('html') as string,
    });
    expect(await get('/player/shaka-player.ui.js')).toMatchObject({
      status: 200,
      type: expect.stringContaining('javascript') as string,
    });
  });

  test('gives whole files, parts of them, and empty ones', async () => {
    expect(await get('/media/a.mp4')).toMatchObject({ status: 200, text: '0123456789' });
    const part = await get('/media/a.mp4', { range: 'bytes=2-4' });
    expect(part).toEqual({ status: 206, type: 'video/mp4', text: '234' });
    expect(await get('/media/empty.vtt')).toMatchObject({ status: 200, text: '' });
  });

  test('answers a range behind the end with 416 and goes on', async () => {
    expect(await get('/media/a.mp4', { range: 'bytes=10-' })).toMatchObject({ status: 416 });
    expect(await get('/media/a.mp4')).toMatchObject({ status: 200 });
  });

  test.each([
    '/media/missing.mp4',
    '/media/',
    '/media/../../etc/hostname',
    '/media/%2e%2e/%2e%2e/etc/hostname',
    '/media/..%2f..%2fetc%2fhostname',
    '/media/link.json',
    '/other/a.mp4',
    '/media/%zz',
  ])('gives nothing for %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });
});
