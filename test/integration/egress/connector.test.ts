import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGuardedConnector } from '../../../src/egress/connector.ts';

let server: Server;
let port = 0;
let connections = 0;

beforeAll(async () => {
  server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
});

// whoever uses the connector without judging the URL first, a source or a semaphore, is guarded too
test.each(['127.0.0.1', '[::1]', '[::ffff:7f00:1]', '0.0.0.0', '[::]', 'localhost'])(
  'the connector itself opens nothing to %s',
  async (hostname) => {
    const connect = createGuardedConnector({
      allowedNetworks: [],
      connectTimeoutMs: 1000,
      tls: { isVerified: true, certificate: undefined },
    });
    const error = await new Promise((resolve) => {
      connect({ hostname, protocol: 'http:', port: String(port) }, (...result) =>
        resolve(result[0]),
      );
    });
    expect(error).toMatchObject({ code: 'EBLOCKED' });
    expect(connections).toBe(0);
  },
);
