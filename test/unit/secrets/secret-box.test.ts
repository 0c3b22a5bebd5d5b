import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSecretBox } from '../../../src/secrets/secret-box.ts';

const [first, second] = [randomBytes(32), randomBytes(32)];

test('what is sealed opens again, and shows nothing of itself', () => {
  const box = createSecretBox([first]);
  fc.assert(
    fc.property(fc.string({ minLength: 8, unit: 'grapheme' }), (text) => {
      const sealed = box.seal(text, 'a');
      expect(box.open(sealed, 'a')).toBe(text);
      expect(sealed).not.toContain(text);
      expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]+$/);
    }),
  );
});

test('the same text sealed twice looks different', () => {
  const box = createSecretBox([first]);
  expect(box.seal('text', 'a')).not.toBe(box.seal('text', 'a'));
});

test('sealed text moved to another row does not open', () => {
  const box = createSecretBox([first]);
  const sealed = box.seal('text', 'callback_headers/1/authorization');
  expect(() => box.open(sealed, 'callback_headers/2/authorization')).toThrow('belongs elsewhere');
});

test('sealed text with any letter changed or cut off does not open', () => {
  const box = createSecretBox([first]);
  const sealed = box.seal('some text', 'a');
  for (let at = 0; at < sealed.length; at++) {
    const letter = sealed[at] === 'A' ? 'B' : 'A';
    const changed = `${sealed.slice(0, at)}${letter}${sealed.slice(at + 1)}`;
    // the last letter of base64 may carry bits that stand for nothing
    if (Buffer.from(changed.split('.')[3] ?? '', 'base64url').equals(bodyOf(sealed))) continue;
    expect(() => box.open(changed, 'a')).toThrow(/^sealed/);
    expect(() => box.open(sealed.slice(0, at), 'a')).toThrow(/^sealed/);
  }
});

const bodyOf = (sealed: string): Buffer => Buffer.from(sealed.split('.')[3] ?? '', 'base64url');

test('a new key before the old one seals, and both open', () => {
  const old = createSecretBox([first]).seal('text', 'a');
  const box = createSecretBox([second, first]);
  expect(box.open(old, 'a')).toBe('text');
  const sealed = box.seal('text', 'a');
  expect(createSecretBox([second]).open(sealed, 'a')).toBe('text');
  expect(() => createSecretBox([first]).open(sealed, 'a')).toThrow(
    'which SECRETS_KEY does not hold',
  );
});

test('without a key nothing is sealed, and the refusal says what to do', () => {
  const box = createSecretBox([]);
  expect(box.hasKey).toBe(false);
  expect(() => box.seal('text', 'a')).toThrow('SECRETS_KEY is not set');
});
