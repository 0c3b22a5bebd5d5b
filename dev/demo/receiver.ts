import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A callback as it came in. */
export interface ReceivedCallback {
  readonly task_name?: string;
  readonly event?: string;
  readonly status?: string;
  readonly message: string;
  readonly time: string;
}

/** A receiver of callbacks on loopback. */
export interface Receiver {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Listens for callbacks and hands each over as it arrives. */
export async function startReceiver(
  onCallback: (callback: ReceivedCallback) => void,
): Promise<Receiver> {
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      response.writeHead(204).end();
      onCallback(JSON.parse(text) as ReceivedCallback);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/callback`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
