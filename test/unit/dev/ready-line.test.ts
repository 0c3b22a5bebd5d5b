import { expect, test } from 'vitest';
import { buildReadyLine, DEMO_TENANT, hidePassword } from '../../../dev/ready-line.ts';

const ADDRESSES = {
  api: { url: 'http://127.0.0.1:8080', pid: 1 },
  worker: { pid: 2 },
  temporal: { address: '127.0.0.1:7233', ui: 'http://127.0.0.1:8233', pid: 3 },
  postgres: { url: 'postgres://app:s3cret@db.example:5432/engine' },
};

test('the ready line names every address in one line', () => {
  const line = buildReadyLine(ADDRESSES, [DEMO_TENANT]);
  const { api, temporal } = ADDRESSES;
  for (const one of [api.url, temporal.ui, temporal.address, 'db.example:5432/engine']) {
    expect(line).toContain(one);
  }
  expect(line).not.toContain('\n');
});

test('the ready line shows the well-known key of the demo client and no other secret', () => {
  const others = [
    { name: 'acme', apiKey: 'acme-secret-1' },
    { name: 'other', apiKey: 'other-secret-1' },
  ];
  expect(buildReadyLine(ADDRESSES, [DEMO_TENANT])).toContain(DEMO_TENANT.apiKey);
  const line = buildReadyLine(ADDRESSES, others);
  expect(line).toContain('clients acme, other');
  expect(line).not.toMatch(/secret|s3cret/);
});

test.each([
  ['postgres://app@127.0.0.1:5432/engine', 'postgres://app@127.0.0.1:5432/engine'],
  ['postgres://app:s3cret@h/e', 'postgres://app:****@h/e'],
  ['postgres://h/e?user=app&password=s3cret', 'postgres://h/e?user=app&password=****'],
  ['host=h password=s3cret', 'as in DATABASE_URL'],
])('%s is shown as %s', (given, shown) => {
  expect(hidePassword(given)).toBe(shown);
});
