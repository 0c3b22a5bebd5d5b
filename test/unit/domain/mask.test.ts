import { expect, test } from 'vitest';
import {
  isSecretName,
  maskHeaderValue,
  maskSecret,
  maskUrl,
  maskUrlsIn,
} from '../../../src/domain/mask.ts';

test('a secret keeps its last four characters, and none where it is short', () => {
  expect(['', 'a', '12345678', '123456789'].map(maskSecret)).toEqual([
    '****',
    '****',
    '****',
    '****6789',
  ]);
});

test.each([
  'Authorization',
  'proxy-authorization',
  'API-KEY',
  'apikey',
  'x-api_key',
  'X-Auth-Token',
  'x-partner-token',
  'x-goog-signature',
  'Cookie',
  'set-cookie',
  'X-Amz-Security-Token',
  'X-Amz-Credential',
  'AWSAccessKeyId',
  'client_secret',
  'password',
  'sig',
  'X-Amz-Signature',
  'access_token',
  'code',
  'Key-Pair-Id',
  'Policy',
])('the value of %s is a secret', (name) => {
  expect(isSecretName(name)).toBe(true);
});

test.each([
  'content-type',
  'user-agent',
  'accept',
  'design',
  'monkey',
  'sigma',
  'page',
  'x-request-id',
])('the value of %s is none', (name) => {
  expect(isSecretName(name)).toBe(false);
});

test.each([
  ['Bearer abcdefghijklmnop', 'Bearer ****mnop'],
  ['basic YWxhZGRpbjpvcGVuc2VzYW1l', 'basic ****YW1l'],
  ['secret-value-42', '****e-42'],
  ['short', '****'],
])('the value %s of a header is logged as %s: a scheme is no secret', (value, shown) => {
  expect(maskHeaderValue(value)).toBe(shown);
});

test('URLs within a text are masked, and stay as they are when masked again', () => {
  const text =
    'GET "https://a:b@x.example/f?sig=0123456789abcdef" failed, s3://bucket/k?token=short too';
  const masked = 'GET "https://****@x.example/f?sig=****cdef" failed, s3://bucket/k?token=**** too';
  expect(maskUrlsIn(text)).toBe(masked);
  expect(maskUrlsIn(masked)).toBe(masked);
});

test.each([
  ['https://cms.example/cb', 'https://cms.example/cb'],
  ['https://cms.example/cb?page=2&flag', 'https://cms.example/cb?page=2&flag'],
  ['https://user:hunter2secret@cms.example/cb', 'https://****@cms.example/cb'],
  ['https://user:p@ss@cms.example/cb', 'https://****@cms.example/cb'],
  ['https://cms.example/cb?sig=0123456789abcdef#t', 'https://cms.example/cb?sig=****cdef'],
  [
    'https://b.s3.example/k?X-Amz-Date=20300131T000000Z&X-Amz-Signature=deadbeefdeadbeef',
    'https://b.s3.example/k?X-Amz-Date=20300131T000000Z&X-Amz-Signature=****beef',
  ],
  ['https://x.example/?%74oken=abcdefghijkl;a=1', 'https://x.example/?%74oken=****ijkl;a=1'],
  ['https://x.example/?k=3q9Zr7Tn1LwX0vBdEyUa', 'https://x.example/?k=****EyUa'],
  ['https://x.example/?3q9Zr7Tn1LwX0vBdEyUa', 'https://x.example/?****EyUa'],
  ['https://x.example/?token=', 'https://x.example/?token='],
  ['https://x.example/?%E0%A4%A=1&pass=abcdefghij', 'https://x.example/?%E0%A4%A=1&pass=****ghij'],
])('%s is logged as %s', (url, shown) => {
  expect(maskUrl(url)).toBe(shown);
});
