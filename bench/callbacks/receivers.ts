import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Receivers of callbacks on loopback that note how long after its event each came. */
export interface Receivers {
  /** One URL for each receiver. */
  readonly urls: readonly string[];
  /** Milliseconds from the `time` of each body to its answer, since the last {@link Receivers.reset}. */
  readonly latenciesMs: number[];
  /** Resolves when so many have come since the last reset; throws after two minutes without any. */
  readonly until: (count: number) => Promise<void>;
  readonly reset: () => void;
  readonly close: () => Promise<void>;
}

const SILENCE_MS = 120_000;

/** Starts `count` of them, each on a port of its own; with `isHanging` they take requests and never answer. */
export async function startReceivers(count: number, isHanging = false): Promise<Receivers> {
  const latenciesMs: number[] = [];
  let heardAt = Date.now();
  const servers: Server[] = [];
  for (let at = 0; at < count; at++) {
    const server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => {
        text += chunk;
      });
      request.on('end', () => {
        if (isHanging) return;
        heardAt = Date.now();
        latenciesMs.push(heardAt - Date.parse((JSON.parse(text) as { time: string }).time));
        response.writeHead(200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
  }
  return {
    urls: servers.map((one) => `http://127.0.0.1:${(one.address() as AddressInfo).port}/callback`),
    latenciesMs,
    until: async (wanted) => {
      heardAt = Date.now();
      while (latenciesMs.length < wanted) {
        if (Date.now() - heardAt > SILENCE_MS) {
          throw new Error(`${latenciesMs.length} of ${wanted} callbacks came`);
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    reset: () => {
      latenciesMs.length = 0;
    },
    close: async () => {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}
