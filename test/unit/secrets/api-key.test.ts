import { expect, test } from 'vitest';
import { createApiKey, hashApiKey, hintOf, isApiKey } from '../../../src/secrets/api-key.ts';

test('a key has its prefix, 256 random bits and a checksum, in letters and digits', () => {
  const keys = Array.from({ length: 500 }, createApiKey);
  expect(new Set(keys).size).toBe(500);
  for (const key of keys) {
    expect(key).toMatch(/^te_live_[0-9A-Za-z]{49}$/);
    expect(isApiKey(key)).toBe(true);
  }
  // every place of the random part takes every letter: 62^43 keys are more than 2^256
  expect(Math.log2(62) * 43).toBeGreaterThan(256);
  for (let at = 8; at < 51; at++) {
    expect(new Set(keys.map((key) => key[at])).size).toBeGreaterThan(55);
  }
});

test('a key with a letter changed, cut or added is none', () => {
  const key = createApiKey();
  for (let at = 0; at < key.length; at++) {
    const other = key[at] === 'a' ? 'b' : 'a';
    expect(isApiKey(`${key.slice(0, at)}${other}${key.slice(at + 1)}`)).toBe(false);
  }
  expect([isApiKey(key.slice(0, -1)), isApiKey(`${key}a`), isApiKey('')]).toEqual([
    false,
    false,
    false,
  ]);
});

test('the hint of a key is the end of its checksum; of another text nothing', () => {
  const key = createApiKey();
  expect(hintOf(key)).toBe(key.slice(-4));
  expect(hintOf('demo-key-1')).toBe('');
  expect(hashApiKey(key)).toHaveLength(32);
});
