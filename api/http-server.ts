import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';

/** How long a client may take, milliseconds. */
export interface HttpTimeouts {
  /** Until all headers are there. Default 10 s. */
  readonly headersMs: number;
  /** Until the whole request is there. Default 60 s. */
  readonly requestMs: number;
  /** Between two requests on one connection. Default 30 s. */
  readonly keepAliveMs: number;
}

const TIMEOUTS: HttpTimeouts = { headersMs: 10_000, requestMs: 60_000, keepAliveMs: 30_000 };

/** A server that listens. */
export interface HttpServer {
  readonly url: string;
  /** Takes no new connections; resolves when the requests under way are answered. */
  readonly close: () => Promise<void>;
}

/** Serves `fetch` at an address; port 0 takes a free one. */
export async function listenHttp(options: {
  readonly fetch: Parameters<typeof createAdaptorServer>[0]['fetch'];
  readonly host: string;
  readonly port: number;
  readonly timeouts?: HttpTimeouts;
}): Promise<HttpServer> {
  const { headersMs, requestMs, keepAliveMs } = options.timeouts ?? TIMEOUTS;
  const server = createAdaptorServer({
    fetch: options.fetch,
    serverOptions: {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      // how often the two limits are looked at; 30 s by default, which makes 10 s up to 40 s
      connectionsCheckingInterval: Math.min(1000, headersMs),
    },
  }) as Server;
  server.on('clientError', refuseUnreadable);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return { url: urlOf(server, options.host), close: () => close(server) };
}

/** What Node's parser refuses, by its error code; everything else is a bad request. */
const REFUSALS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Answers what is no HTTP, or comes too slowly, as every other error is answered. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = REFUSALS[error.code ?? ''] ?? '400 Bad Request';
  const body = JSON.stringify({ error: status.slice(4) });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // connections that wait for a next request would hold it up
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
