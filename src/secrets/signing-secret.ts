import { createPublicKey, randomBytes } from 'node:crypto';
import { parseSigningSecret } from './webhook-signature.ts';

const RANDOM_BYTES = 32;

/** Makes a secret as Standard Webhooks spells it: `whsec_…` for HMAC (v1), `whsk_…` for ed25519 (v1a). */
export const createSigningSecret = (version: 'v1' | 'v1a'): string =>
  `${version === 'v1' ? 'whsec' : 'whsk'}_${randomBytes(RANDOM_BYTES).toString('base64')}`;

/** Length of an ed25519 public key at the end of its DER (RFC 8410 §4), bytes. */
const PUBLIC_KEY_BYTES = 32;

/** What receivers verify a `v1a` secret's signatures with, `whpk_…`; undefined for a shared secret. */
export function publicKeyOf(secret: string): string | undefined {
  const { version, key } = parseSigningSecret(secret);
  if (version === 'v1') return undefined;
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return `whpk_${der.subarray(-PUBLIC_KEY_BYTES).toString('base64')}`;
}
