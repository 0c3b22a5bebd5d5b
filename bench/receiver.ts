import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A receiver that counts callbacks. */
export interface CountingReceiver {
  readonly url: string;
  readonly count: () => number;
  readonly close: () => Promise<void>;
}

/** Listens on loopback and answers 200 to everything. */
export async function startCounting(): Promise<CountingReceiver> {
  let count = 0;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      count += 1;
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    count: () => count,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
