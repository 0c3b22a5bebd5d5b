import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from '../setup/error.ts';

const LOOPBACK = '127.0.0.1';

/** A stack that was killed a moment ago may still be dying. */
const PATIENCE_MS = 2_000;

/** The port if it is free, any free one for 0, undefined where it is taken. */
export function tryPort(port: number, host = LOOPBACK): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve(found));
    });
  });
}

/** The wanted port, or any free one for 0. Throws naming the variable to change where it is taken. */
export async function freePort(wanted: number, variable: string, host = LOOPBACK): Promise<number> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const port = await tryPort(wanted, host);
    if (port !== undefined) return port;
    if (Date.now() > deadline) break;
    await delay(200);
  }
  throw new SetupError(
    `Port ${wanted} is taken by another process. Stop it, or set ${variable} to another port (0 takes a free one)`,
  );
}
