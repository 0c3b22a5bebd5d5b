import { createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto';

/**
 * A secret that callbacks are signed with, as Standard Webhooks 1.0 spells it: `whsec_` and base64 of 24 to
 * 64 bytes for HMAC-SHA256 (`v1`), or `whsk_` and base64 of an ed25519 seed of 32 bytes (`v1a`).
 */
export type SigningSecret =
  | { readonly version: 'v1'; readonly key: Buffer }
  | { readonly version: 'v1a'; readonly key: KeyObject };

/** What of one request is signed. */
export interface SignedRequest {
  /** `webhook-id`: the same at every attempt of an event and for every URL. Holds no full stop. */
  readonly id: string;
  /** `webhook-timestamp`: seconds since 1970 UTC at which this attempt is made. */
  readonly timestampSeconds: number;
  /** The body's bytes, as they are sent. */
  readonly body: Buffer;
}

const LEAST_BYTES = 24;
const MOST_BYTES = 64;
const SEED_BYTES = 32;

/** DER of a PKCS #8 ed25519 private key up to its seed (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Reads a secret. Throws a RangeError saying what would be right; the message holds nothing of it. */
export function parseSigningSecret(text: string): SigningSecret {
  const [, kind, encoded = ''] = /^(whsec|whsk)_(.+)$/s.exec(text) ?? [];
  if (kind === undefined || !BASE64.test(encoded)) {
    throw new RangeError('a signing secret is whsec_ or whsk_ followed by base64');
  }
  const bytes = Buffer.from(encoded, 'base64');
  if (kind === 'whsec') {
    if (bytes.length < LEAST_BYTES || bytes.length > MOST_BYTES) {
      throw new RangeError(`whsec_ needs ${LEAST_BYTES} to ${MOST_BYTES} bytes of base64`);
    }
    return { version: 'v1', key: bytes };
  }
  if (bytes.length !== SEED_BYTES)
    throw new RangeError(`whsk_ needs ${SEED_BYTES} bytes of base64`);
  const der = Buffer.concat([PKCS8_HEAD, bytes]);
  return { version: 'v1a', key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) };
}

/** One signature, `v1,…` or `v1a,…`, over `id.timestamp.body`. */
function signOnce(secret: SigningSecret, request: SignedRequest): string {
  const head = Buffer.from(`${request.id}.${request.timestampSeconds}.`);
  const content = Buffer.concat([head, request.body]);
  const signature =
    secret.version === 'v1'
      ? createHmac('sha256', secret.key).update(content).digest()
      : sign(null, content, secret.key);
  return `${secret.version},${signature.toString('base64')}`;
}

/**
 * The headers that prove who sent a callback (Standard Webhooks 1.0). While secrets are exchanged each one
 * signs: `webhook-signature` holds all signatures, separated by spaces.
 */
export function signatureHeaders(
  secrets: readonly SigningSecret[],
  request: SignedRequest,
): Readonly<Record<string, string>> {
  return {
    'webhook-id': request.id,
    'webhook-timestamp': String(request.timestampSeconds),
    ...(secrets.length === 0
      ? {}
      : { 'webhook-signature': secrets.map((secret) => signOnce(secret, request)).join(' ') }),
  };
}
