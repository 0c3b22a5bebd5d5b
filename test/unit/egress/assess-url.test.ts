import { expect, test } from 'vitest';
import { isAllowedAddress } from '../../../src/egress/address.ts';
import { assessUrl } from '../../../src/egress/assess-url.ts';

const INTERNAL = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '0.0.0.0',
  '[::]',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '[::ffff:a9fe:a9fe]',
  '[fd00:ec2::254]',
  '168.63.129.16',
  '100.64.0.1',
  '192.0.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[2001::1]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '127.255.255.254',
  '0x7f.1',
  '017700000001',
  '[::ffff:10.0.0.1]',
  '[0:0:0:0:0:0:0:1]',
  '10.1',
  '0',
  '[fc00::1]',
  'localhost',
  'localhost.',
  'LOCALHOST',
  'api.localhost',
  '[::127.0.0.1]',
  '[::7f00:1]',
  '[::a00:1]',
  '[1::1]',
  '[100::1]',
  '[64:ff9b:1::7f00:1]',
  '[2001:db8::1]',
  '[3fff::1]',
  '[5f00::1]',
  '[::ffff:0:127.0.0.1]',
  '[::ffff:168.63.129.16]',
  '192.0.2.1',
  '198.51.100.1',
  '203.0.113.1',
  '192.88.99.1',
  '240.0.0.1',
  '0300.0250.1.1',
  '3232235777',
  '１２７.０.０.１',
  '127.0.0.1.',
];

const MALFORMED = [
  'http://user@example.com/',
  'http://user:pw@example.com/',
  'http://ok@127.0.0.1/',
  'file:///etc/passwd',
  'ftp://example.com/',
  'gopher://example.com/',
  'javascript:alert(1)',
  'unix:/tmp/x',
  'data:text/plain,x',
  'example.com/x',
  '',
  'http://',
  'http:// example.com',
  'http://exa\nmple.com',
  'http://exa\tmple.com',
  'http:\\\\example.com',
  'http://example.com/\u0000',
  'http://example.com/\u007f',
  'http://example.com:0/',
  'http://example.com:99999/',
  '//example.com/x',
  `http://example.com/${'x'.repeat(3000)}`,
  'http://[::1',
  'http://127.0.0.1#@ok/',
];

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
