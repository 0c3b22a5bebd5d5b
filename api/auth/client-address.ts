import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { parseAddress } from '../../src/egress/address.ts';
import type { ApiEnv } from '../deps.ts';

/** Some proxies write the port too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const withoutPort = (text: string): string =>
  /^(\d{1,3}(?:\.\d{1,3}){3}|\[[^\]]*\]):\d{1,5}$/.exec(text)?.[1] ?? text;

/** An address as it is counted: IPv4 whole, IPv6 by its /64, which is one customer's. */
function networkOf(text: string): string | undefined {
  const address = parseAddress(withoutPort(text));
  if (address === undefined) return undefined;
  if (address.kind() === 'ipv4') return address.toString();
  return `${Buffer.from(address.toByteArray().slice(0, 8)).toString('hex')}::/64`;
}

/**
 * Where a request comes from: the connection's other end, or, behind `trustedProxies` proxies that each
 * add to `X-Forwarded-For`, what the outermost of them saw. What a client writes there itself stands
 * further left and is never taken. Undefined without a connection.
 */
export function clientAddress(c: Context<ApiEnv>, trustedProxies: number): string | undefined {
  const bindings = c.env as Partial<HttpBindings> | undefined;
  const peer = bindings?.incoming?.socket.remoteAddress;
  if (peer === undefined) return undefined;
  const forwarded = (c.req.header('x-forwarded-for') ?? '').split(',').map((one) => one.trim());
  const seen = [...forwarded.filter((one) => one !== ''), peer];
  const given = seen[Math.max(0, seen.length - 1 - trustedProxies)] ?? peer;
  return networkOf(given) ?? networkOf(peer);
}
