import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseSigningSecret, signatureHeaders } from '../../../src/secrets/webhook-signature.ts';
import vectors from './golden-signatures.json' with { type: 'json' };

// Twenty requests with the secrets they are signed with, computed once, outside of the engine. They never
// change: a receiver that verified yesterday's callbacks verifies tomorrow's.

test('there are twenty, of both kinds', () => {
  expect(vectors).toHaveLength(20);
  const kinds = vectors.map((one) => one.signature.split(',')[0]);
  expect(new Set(kinds)).toEqual(new Set(['v1', 'v1a']));
});

test.each(vectors)('$id is signed as ever', ({ secret, id, timestamp, body, signature }) => {
  const request = { id, timestampSeconds: timestamp, body: Buffer.from(body) };
  expect(signatureHeaders([parseSigningSecret(secret)], request)).toEqual({
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signature,
  });
});

test('the shared-key ones are what the specification says: HMAC-SHA256 over id.timestamp.body', () => {
  for (const { secret, id, timestamp, body, signature } of vectors) {
    if (!secret.startsWith('whsec_')) continue;
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    expect(signature).toBe(`v1,${mac}`);
  }
});
