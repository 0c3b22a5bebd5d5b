import { createServer } from 'node:net';
import { SetupError } from '../setup/error.ts';

const HOST = '127.0.0.1';

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen({ host: HOST, port, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve(found));
    });
  });
}

/** A free port of loopback: the wanted one, or any for 0. Throws naming the variable to change. */
export async function freePort(wanted: number, variable: string): Promise<number> {
  const port = await tryPort(wanted);
  if (port === undefined) {
    throw new SetupError(
      `Port ${wanted} is taken by another process. Stop it, or set ${variable} to another port (0 takes a free one)`,
    );
  }
  return port;
}
