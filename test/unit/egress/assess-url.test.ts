import { expect, test } from 'vitest';
import { isAllowedAddress } from '../../../src/egress/address.ts';
import { assessUrl } from '../../../src/egress/assess-url.ts';
import { INTERNAL, MALFORMED } from '../../helpers/internal-addresses.ts';

test.each(INTERNAL)('http://%s is refused at submission', (host) => {
  expect(assessUrl(`http://${host}/callback`, [])).toBeTypeOf('string');
  expect(assessUrl(`http://${host}:8080/callback`, [])).toBeTypeOf('string');
});

test.each(MALFORMED)('%j is refused with a reason', (url) => {
  expect(assessUrl(url, [])).toBeTypeOf('string');
});

test.each(['https://example.com/cb?x=1', 'http://203.0.114.7:8080/', 'https://[2600::1]/x'])(
  '%s may be called',
  (url) => {
    expect(assessUrl(url, [])).toBeUndefined();
  },
);

test('an allowed network opens itself and nothing beside it', () => {
  const loopback = ['127.0.0.0/8', '::1/128'];
  expect(assessUrl('http://127.0.0.1:9000/cb', loopback)).toBeUndefined();
  expect(assessUrl('http://[::1]/cb', loopback)).toBeUndefined();
  expect(assessUrl('http://10.0.0.1/cb', loopback)).toBeTypeOf('string');
  expect(isAllowedAddress('not an address', loopback)).toBe(false);
});

test.each([22, 25, 110, 587, 6667])('port %i, another protocol, is refused', (port) => {
  expect(assessUrl(`http://example.com:${port}/`, [])).toContain(`port ${port}`);
});

test('a network that cannot be read allows nothing and breaks nothing', () => {
  for (const block of ['127.0.0.1/99', 'everything', '', '127.0.0.1']) {
    expect(assessUrl('http://127.0.0.1:8080/', [block])).toBeTypeOf('string');
    expect(assessUrl('http://203.0.114.7/', [block])).toBeUndefined();
  }
});

test('a refusal names no credentials', () => {
  expect(assessUrl('https://user:hunter2@example.com/', [])).not.toContain('hunter2');
});
