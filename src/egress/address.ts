import ipaddr from 'ipaddr.js';

/** Public addresses that are a cloud's inside all the same: Azure's platform channel. */
const INTERNAL = new Set(['168.63.129.16']);

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Reads an address literal; IPv4 mapped into IPv6 comes out as IPv4. Undefined for a name. */
export function parseAddress(text: string): Address | undefined {
  const bare = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

const isWithin = (address: Address, block: string): boolean => {
  const [network, bits] = ipaddr.parseCIDR(block);
  return network.kind() === address.kind() && address.match([network, bits] as never);
};

/**
 * Whether an address may be connected to: a public unicast address, or one inside a block that the
 * tenant is allowed. Anything that is no address may not.
 */
export function isAllowedAddress(text: string, allowedNetworks: readonly string[]): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  if (allowedNetworks.some((block) => isWithin(address, block))) return true;
  return address.range() === 'unicast' && !INTERNAL.has(address.toString());
}
