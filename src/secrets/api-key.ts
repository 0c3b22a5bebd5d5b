import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What keys begin with, so that scanners of leaked secrets know one when they see it. */
const PREFIX = 'te_live_';

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 43 of 62 letters: 256 random bits. */
const RANDOM_LETTERS = 43;
const CHECK_LETTERS = 6;

const FORM = new RegExp(`^${PREFIX}[0-9A-Za-z]{${RANDOM_LETTERS + CHECK_LETTERS}}$`);

/** CRC-32 in base 62: tells a mistyped or cut key from one that was revoked, and from other text. */
function checkLetters(text: string): string {
  let rest = crc32(text);
  let letters = '';
  for (let n = 0; n < CHECK_LETTERS; n++) {
    letters = `${LETTERS[rest % LETTERS.length]}${letters}`;
    rest = Math.floor(rest / LETTERS.length);
  }
  return letters;
}

/** Makes a key: `te_live_`, 256 random bits, a checksum. Letters and digits only, one word to a double click. */
export function createApiKey(): string {
  const random = Array.from({ length: RANDOM_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]);
  const key = `${PREFIX}${random.join('')}`;
  return `${key}${checkLetters(key)}`;
}

/** Whether a text is a whole key of {@link createApiKey}; says nothing of whether it is valid. */
export const isApiKey = (text: string): boolean =>
  FORM.test(text) && text.endsWith(checkLetters(text.slice(0, -CHECK_LETTERS)));

/** The hash under which a key is kept. Keys are long and random, so one round is enough. */
export const hashApiKey = (apiKey: string): Buffer => createHash('sha256').update(apiKey).digest();

/** The end of a key, by which people tell one from another; of a key of ours a part of its checksum. */
export const hintOf = (apiKey: string): string => (isApiKey(apiKey) ? apiKey.slice(-4) : '');
