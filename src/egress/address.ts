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

type Block = readonly [Address, number];

/** Blocks already read, by their text: a tenant's are the same at each of its URLs. */
const blocks = new Map<string, Block | undefined>();
const MOST_BLOCKS = 10_000;

function parseBlock(text: string): Block | undefined {
  if (!blocks.has(text)) {
    if (blocks.size >= MOST_BLOCKS) blocks.clear();
    blocks.set(text, ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : undefined);
  }
  return blocks.get(text);
}

// a block that cannot be read allows nothing; thrown here, it would surface inside a socket's callback
const isWithin = (address: Address, text: string): boolean => {
  const block = parseBlock(text);
  return block?.[0].kind() === address.kind() && address.match(block as never);
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
