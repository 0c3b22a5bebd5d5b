import ipaddr from 'ipaddr.js';

/** Public addresses that are a cloud's inside all the same: Azure's platform channel. */
const INTERNAL = new Set(['168.63.129.16']);

/**
 * All that IANA gives out as global unicast IPv6. Outside of it lie, among others, the IPv4-compatible
 * addresses `::a.b.c.d` (RFC 4291 §2.5.5.1), which the library calls unicast.
 */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Reads an address literal; IPv4 mapped into IPv6 comes out as IPv4. Undefined for a name. */
export function parseAddress(text: string): Address | undefined {
  const bare = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

// a block that cannot be read allows nothing; thrown here, it would surface inside a socket's callback
const isWithin = (address: Address, block: string): boolean => {
  if (!ipaddr.isValidCIDR(block)) return false;
  const [network, bits] = ipaddr.parseCIDR(block);
  return network.kind() === address.kind() && address.match([network, bits] as never);
};

const isPublic = (address: Address): boolean =>
  address.range() === 'unicast' &&
  !INTERNAL.has(address.toString()) &&
  (address instanceof ipaddr.IPv4 || address.match(GLOBAL_UNICAST));

/**
 * Whether an address may be connected to: a public unicast address, or one inside a block that the
 * tenant is allowed. Anything that is no address may not.
 */
export function isAllowedAddress(text: string, allowedNetworks: readonly string[]): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  return isPublic(address) || allowedNetworks.some((block) => isWithin(address, block));
}
