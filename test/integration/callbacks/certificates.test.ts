import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../../guards/planted-tree.ts';

let folder: string;
const servers: Server[] = [];
const file = (name: string): string => join(folder, name);
const openssl = (...args: readonly string[]) => execa('openssl', args, { cwd: folder });

const CURVE = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'.split(' ');

/** A certificate `<name>.pem` that `issuer` signed; without one it is self-signed. */
async function makeCertificate(
  name: string,
  issuer: string | undefined,
  options: { readonly names?: string; readonly days?: number; readonly isIssuer?: boolean } = {},
): Promise<void> {
  const { names = 'IP:127.0.0.1', days = 2, isIssuer = false } = options;
  const extensions = isIssuer
    ? 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n'
    : `subjectAltName=${names}\n`;
  await writeFile(file(`${name}.ext`), extensions);
  const request = ['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`];
  await openssl('req', '-new', ...CURVE, ...request);
  const signer =
    issuer === undefined
      ? ['-signkey', `${name}.key`]
      : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'];
  const made = ['-days', String(days), '-extfile', `${name}.ext`, '-out', `${name}.pem`];
  await openssl('x509', '-req', '-in', `${name}.csr`, ...signer, ...made);
}

/** A receiver with this certificate, and `chain` behind it; resolves to its URL. */
async function serve(
  name: string,
  options: { readonly chain?: string; readonly version?: SecureVersion } = {},
): Promise<string> {
  const { chain, version } = options;
  const more = chain === undefined ? '' : await readFile(file(`${chain}.pem`), 'utf8');
  const server = createServer(
    {
      cert: `${await readFile(file(`${name}.pem`), 'utf8')}${more}`,
      key: await readFile(file(`${name}.key`)),
      ...(version === undefined
        ? {}
        : { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }),
    },
    (request, response) => request.resume().on('end', () => response.writeHead(204).end()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** What a request gave: a status, or why there was none. The process trusts `root` and no other maker of these. */
async function post(url: string, how: 'verified' | 'not'): Promise<string> {
  const script = join(ROOT, 'test/helpers/post-once.ts');
  const { stdout } = await execa(process.execPath, [script, url, how], {
    env: { NODE_EXTRA_CA_CERTS: file('root.pem') },
  });
  return stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificates-'));
  await makeCertificate('root', undefined, { isIssuer: true });
  await makeCertificate('middle', 'root', { isIssuer: true });
  await makeCertificate('good', 'root');
  await makeCertificate('chained', 'middle');
  await makeCertificate('expired', 'root', { days: -1 });
  await makeCertificate('elsewhere', 'root', { names: 'DNS:example.com,IP:127.0.0.2' });
  await makeCertificate('self-signed', undefined);
});

afterAll(async () => {
  for (const server of servers) {
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }
  await rm(folder, { recursive: true });
});

test.each([
  ['a good certificate', () => serve('good'), '204', '204'],
  ['a chain to one', () => serve('chained', { chain: 'middle' }), '204', '204'],
  ['a chain with a gap', () => serve('chained'), 'tls', '204'],
  ['a certificate that has ended', () => serve('expired'), 'tls', '204'],
  ['a certificate of another host', () => serve('elsewhere'), 'tls', '204'],
  ['a certificate it made itself', () => serve('self-signed'), 'tls', '204'],
  ['TLS 1.2', () => serve('good', { version: 'TLSv1.2' }), '204', '204'],
  ['TLS 1.1', () => serve('good', { version: 'TLSv1.1' }), 'tls', 'tls'],
  ['TLS 1.0', () => serve('good', { version: 'TLSv1' }), 'tls', 'tls'],
])('a receiver with %s is called or not', async (_, start, verified, unverified) => {
  const url = await start();
  expect([await post(url, 'verified'), await post(url, 'not')]).toEqual([verified, unverified]);
});
