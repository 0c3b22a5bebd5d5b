import { expect, test } from 'vitest';
import { createFindPlace, type TenantStorages } from '../../../src/storage/find-place.ts';
import { tenantsWithRootBelow } from '../../../src/storage/roots-below.ts';

const findPlace = createFindPlace({
  localInputRoot: '/srv/in',
  localOutputRoot: '/srv/out',
  secrets: { open: () => '' },
});

const tenant = (name: string, outputRoot: string | null): TenantStorages => ({
  name,
  inputRoot: null,
  outputRoot,
  remotes: [],
});

const TENANTS = [
  tenant('acme', null),
  tenant('nested', '/srv/out/acme/partners/nested'),
  tenant('near', '/srv/out/acme/partners10'),
];

test.each([
  ['local:/srv/out/acme/partners', ['nested']],
  ['local:/srv/out/acme/partners/nested', ['nested']],
  ['local:/srv/out/acme/partners/nested/vod', []],
  ['local:/srv/out/acme/partner', []],
  ['local:/srv/out/acme', ['acme', 'nested', 'near']],
  ['S3:https://s3.example.net/media/acme', []],
])('a folder at %s holds the roots of %j', (location, names) => {
  expect(tenantsWithRootBelow(TENANTS, findPlace, location)).toEqual(names);
});
