import { createPublicKey, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseSigningSecret, signatureHeaders } from '../../../src/secrets/webhook-signature.ts';

// the example of the Standard Webhooks specification
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const EXAMPLE = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestampSeconds: 1614265330,
  body: Buffer.from('{"test": 2432232314}'),
};

test('the example of the specification gets the signature of the specification', () => {
  expect(signatureHeaders([parseSigningSecret(SECRET)], EXAMPLE)).toEqual({
    'webhook-id': EXAMPLE.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('an ed25519 signature verifies with the public key of its seed', () => {
  const seed = Buffer.alloc(32, 7);
  const secret = parseSigningSecret(`whsk_${seed.toString('base64')}`);
  const header = signatureHeaders([secret], EXAMPLE)['webhook-signature'] ?? '';
  expect(header).toMatch(/^v1a,/);
  const content = Buffer.concat([
    Buffer.from(`${EXAMPLE.id}.${EXAMPLE.timestampSeconds}.`),
    EXAMPLE.body,
  ]);
  const publicKey = secret.version === 'v1a' ? createPublicKey(secret.key) : undefined;
  const signature = Buffer.from(header.slice(4), 'base64');
  expect(publicKey && verify(null, content, publicKey, signature)).toBe(true);
});

test('while secrets are exchanged each one signs', () => {
  const other = parseSigningSecret(`whsec_${Buffer.alloc(24, 1).toString('base64')}`);
  const header = signatureHeaders([parseSigningSecret(SECRET), other], EXAMPLE)[
    'webhook-signature'
  ];
  expect(header?.split(' ').map((one) => one.slice(0, 3))).toEqual(['v1,', 'v1,']);
  expect(new Set(header?.split(' ')).size).toBe(2);
});

test('without a secret the id and the time go out and no signature', () => {
  expect(Object.keys(signatureHeaders([], EXAMPLE))).toEqual(['webhook-id', 'webhook-timestamp']);
});

test.each([
  'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'whsec_',
  'whsec_short',
  `whsec_${Buffer.alloc(23).toString('base64')}`,
  `whsec_${Buffer.alloc(65).toString('base64')}`,
  `whsk_${Buffer.alloc(31).toString('base64')}`,
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!',
])('%s is no signing secret, and the refusal holds nothing of it', (text) => {
  expect(() => parseSigningSecret(text)).toThrow(RangeError);
  try {
    parseSigningSecret(text);
  } catch (error) {
    if (text.length > 12) expect(String(error)).not.toContain(text.slice(6));
  }
});
