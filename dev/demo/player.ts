import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

const TYPES: Readonly<Record<string, string>> = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mpd': 'application/dash+xml',
  '.mp4': 'video/mp4',
  '.vtt': 'text/vtt; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

const PLAYER = join(
  dirname(createRequire(import.meta.url).resolve('shaka-player/package.json')),
  'dist',
);

/** The page: `?manifest=` is a path below `/media/`. */
const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Task Engine player</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/player/controls.css">
<style>body{margin:0;background:#111;color:#eee;font:16px system-ui}main{max-width:1100px;margin:2rem auto;padding:0 1rem}a{color:#8cf}</style></head>
<body><main><h1 id="title"></h1>
<div data-shaka-player-container><video data-shaka-player autoplay muted style="width:100%"></video></div>
<p>HLS: <a id="hls"></a> · DASH: <a id="dash"></a></p></main>
<script src="/player/shaka-player.ui.js"></script>
<script>
const manifest = new URLSearchParams(location.search).get('manifest');
document.getElementById('title').textContent = manifest;
for (const [id, ext] of [['hls', '.m3u8'], ['dash', '.mpd']]) {
  const a = document.getElementById(id);
  const path = manifest.replace(/\\.(m3u8|mpd)$/, ext);
  a.href = '?manifest=' + encodeURIComponent(path);
  a.textContent = path;
}
document.addEventListener('shaka-ui-loaded', async () => {
  const player = document.querySelector('video').ui.getControls().getPlayer();
  await player.load('/media/' + manifest.split('/').map(encodeURIComponent).join('/'));
  const [subtitles] = player.getTextTracks();
  if (subtitles) player.selectTextTrack(subtitles);
});
</script></body></html>
`;

/** A page that plays what a folder holds. */
export interface PlayerServer {
  /** The page for a manifest, a path below the folder. */
  readonly pageUrl: (manifest: string) => string;
  readonly close: () => Promise<void>;
}

/** Serves the player and the files of a folder on loopback, byte ranges included. */
export async function startPlayer(folder: string): Promise<PlayerServer> {
  const server = createServer((request, response) => {
    void answer(folder, request, response).catch(() => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    pageUrl: (manifest) => `http://127.0.0.1:${port}/?manifest=${encodeURIComponent(manifest)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
  if (path === '/') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
    return;
  }
  const [, kind = '', ...rest] = path.split('/');
  const root = await realpath(kind === 'player' ? PLAYER : folder);
  const file = await realpath(join(root, ...rest));
  if (!['player', 'media'].includes(kind) || !file.startsWith(root + sep))
    throw new Error('outside');
  const { size } = await stat(file);
  const headers = {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'accept-ranges': 'bytes',
  };
  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${size}` }).end();
    return;
  }
  if (range === undefined) response.writeHead(200, { ...headers, 'content-length': size });
  else {
    response.writeHead(206, {
      ...headers,
      'content-length': range.end - range.start + 1,
      'content-range': `bytes ${range.start}-${range.end}/${size}`,
    });
  }
  // a player that seeks breaks its request off: no failure
  await pipeline(createReadStream(file, range), response).catch(() => response.destroy());
}

/**
 * The first and last byte that a `Range` header asks for (RFC 9110 §14.2, one range). Undefined stands
 * for the whole: no header, another unit, several ranges, or one that is malformed.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end };
}
