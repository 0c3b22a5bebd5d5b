import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { TlsOptions } from './tls-options.ts';
import { isAllowedAddress, parseAddress } from './address.ts';

/** The address that a connection would have gone to, or went to, is not allowed. */
export class BlockedAddressError extends Error {
  override readonly name = 'BlockedAddressError';
  readonly code = 'EBLOCKED';
}

const blocked = (host: string): BlockedAddressError =>
  new BlockedAddressError(`${host} leads to an address that is not allowed for this client`);

/**
 * A connector that checks thrice: the literal in the URL (for which Node never asks a resolver), every
 * address a name resolves to, of which only allowed ones are tried, and the address of the socket.
 */
export function createGuardedConnector(options: {
  readonly allowedNetworks: readonly string[];
  readonly connectTimeoutMs: number;
  readonly tls: TlsOptions;
  /** Resolves names; the system's by default. */
  readonly lookup?: LookupFunction;
}): ReturnType<typeof buildConnector> {
  const { allowedNetworks } = options;
  const resolve = options.lookup ?? (systemLookup as LookupFunction);

  const lookup: LookupFunction = (host, settings, done) => {
    resolve(host, { ...settings, all: true }, (error, found) => {
      if (error !== null) {
        done(error, '', 0);
        return;
      }
      const addresses = (found as unknown as LookupAddress[]).filter((one) =>
        isAllowedAddress(one.address, allowedNetworks),
      );
      const [first] = addresses;
      if (first === undefined) done(blocked(host), '', 0);
      else if (settings.all === true) done(null, addresses as never, 0);
      else done(null, first.address, first.family);
    });
  };

  const connect = buildConnector({
    timeout: options.connectTimeoutMs,
    // HTTP/1.1 alone: its limits on headers and answers are the ones that are tested here
    allowH2: false,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: options.tls.isVerified,
    ...(options.tls.certificate === undefined
      ? {}
      : { cert: options.tls.certificate.certificate, key: options.tls.certificate.key }),
    lookup,
  });

  return (target, done) => {
    const { hostname } = target;
    if (parseAddress(hostname) !== undefined && !isAllowedAddress(hostname, allowedNetworks)) {
      done(blocked(hostname), null);
      return;
    }
    connect(target, (...result) => {
      // a failure comes without the second argument, whatever its type says
      const socket = result[1] as Socket | null | undefined;
      if (socket && !isAllowedAddress(socket.remoteAddress ?? '', allowedNetworks)) {
        socket.destroy();
        done(blocked(hostname), null);
        return;
      }
      done(...result);
    });
  };
}
