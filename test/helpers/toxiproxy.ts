import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgress } from '../../dev/progress.ts';
import { ensureToxiproxy } from '../../dev/setup/toxiproxy.ts';
import { probeUntilReady, startProcess } from '../../dev/stack/child-piece.ts';
import { freePort } from '../../dev/stack/free-port.ts';
import { readConfig } from '../../src/config/config.ts';

/** What spoils a connection; the names and attributes are toxiproxy's, times in milliseconds. */
export type Toxic =
  | { readonly type: 'latency'; readonly attributes: { readonly latency: number } }
  /** `rate` in kB a second. */
  | { readonly type: 'bandwidth'; readonly attributes: { readonly rate: number } }
  /** Nothing comes through, and the connection ends after so long. */
  | { readonly type: 'timeout'; readonly attributes: { readonly timeout: number } }
  | { readonly type: 'reset_peer'; readonly attributes: { readonly timeout: number } }
  | { readonly type: 'limit_data'; readonly attributes: { readonly bytes: number } };

const STOP_GRACE_MS = 5_000;

/** A real toxiproxy before one store. */
export interface Toxiproxy {
  readonly url: string;
  /** Puts a toxic on all connections, in the direction of the store's answers unless told. */
  readonly spoil: (toxic: Toxic, stream?: 'upstream' | 'downstream') => Promise<void>;
  readonly heal: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts a toxiproxy before `target`. */
export async function startToxiproxy(target: string): Promise<Toxiproxy> {
  const program = await ensureToxiproxy(readConfig(), createProgress(process.stdout));
  const folder = await mkdtemp(join(tmpdir(), 'task-engine-toxiproxy-'));
  const [apiPort, port] = [await freePort(0, 'PORT'), await freePort(0, 'PORT')];
  const api = `http://127.0.0.1:${apiPort}`;
  const server = await startProcess(
    {
      file: program,
      args: ['-host', '127.0.0.1', '-port', String(apiPort)],
      logFile: join(folder, 'toxiproxy.log'),
    },
    (_, signal) =>
      probeUntilReady(async () => {
        await (await fetch(`${api}/version`)).arrayBuffer();
      }, signal),
    STOP_GRACE_MS,
  );
  const post = async (path: string, body: unknown): Promise<void> => {
    const answer = await fetch(api + path, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`toxiproxy refused ${path}: ${await answer.text()}`);
  };
  const listen = `127.0.0.1:${port}`;
  await post('/proxies', { name: 'store', listen, upstream: new URL(target).host });
  return {
    url: `http://${listen}`,
    spoil: (toxic, stream = 'downstream') =>
      post('/proxies/store/toxics', { ...toxic, name: `${toxic.type}-${stream}`, stream }),
    heal: () => post('/reset', {}),
    close: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
