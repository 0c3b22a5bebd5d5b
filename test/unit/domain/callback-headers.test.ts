import { expect, test } from 'vitest';
import { callbackHeaderFault } from '../../../src/domain/callback-headers.ts';

test.each([
  ['authorization', 'Bearer abc'],
  ['x-api-key', '!~ "quoted", and more'],
  ['x-signature', 'a'.repeat(2048)],
])('%s may go with callbacks', (name, value) => {
  expect(callbackHeaderFault(name, value)).toBeUndefined();
});

test.each([
  'host',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'webhook-id',
  'webhook-signature',
  'proxy-authorization',
])('%s is the sender’s own', (name) => {
  expect(callbackHeaderFault(name, 'x')).toBe(`${name} is set by the engine itself`);
});

test.each(['', 'a b', 'a:b', 'a\r\nb', 'é', 'X-Upper', 'a'.repeat(65), 'a\u0000'])(
  '%j is no name',
  (name) => {
    expect(callbackHeaderFault(name, 'x')).toContain('is no name of a header');
  },
);

test.each(['', ' ', ' a', 'a ', 'a\r\nHost: b', 'a\nb', 'a\u0000', 'é', 'a\tb', 'a'.repeat(2049)])(
  '%j is no value',
  (value) => {
    expect(callbackHeaderFault('x-key', value)).toContain('the value of x-key must be one line');
  },
);
