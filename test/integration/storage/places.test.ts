import { beforeAll, expect, inject, test } from 'vitest';
import { createFindPlace, type TenantStorages } from '../../../src/storage/find-place.ts';
import { locationAt, locationOf, remotePlace } from '../../../src/storage/location.ts';
import { createAzureStorage } from '../../../src/storage/azure-blob.ts';
import { createAzureClient } from '../../../src/storage/azure-client.ts';
import { createStorages } from '../../../src/storage/storages.ts';
import type { StorageKind } from '../../../src/domain/storage-kind.ts';
import {
  type AzureSettings,
  type KeptStorage,
  type StorageSettings,
  storageSecretContext,
} from '../../../src/domain/storage-settings.ts';
import { createSecretBox } from '../../../src/secrets/secret-box.ts';
import { newBucket, newContainer } from '../../helpers/storages.ts';

const secrets = createSecretBox([Buffer.alloc(32, 7)]);
const ROOTS = { localInputRoot: 'relative/in', localOutputRoot: '/srv/out/' };
const KEYS = ['movie', 'vod/movie 1/é', ''];
const SIDES = ['input', 'output'] as const;

const kept = (
  settings: StorageSettings,
  secret: string,
  side: 'input' | 'output',
): KeptStorage => ({
  tenantId: 1,
  side,
  settings,
  sealed: secrets.seal(secret, storageSecretContext(1, settings.kind, side)),
});

let acme: TenantStorages;
let other: TenantStorages;

beforeAll(async () => {
  const stores = inject('stores');
  const bucket = await newBucket();
  const { settings: container } = await newContainer({ root: '' });
  bucket.client.destroy();
  acme = {
    name: 'acme',
    inputRoot: null,
    outputRoot: '/mnt/acme',
    remotes: SIDES.flatMap((side) => [
      kept({ ...bucket.settings, root: side }, stores.s3.secretAccessKey, side),
      kept(container, stores.azure.connectionString, side),
    ]),
  };
  other = { name: 'other', inputRoot: null, outputRoot: null, remotes: [] };
});

/** A tenant's storages as a worker opens them. */
const open = (tenant: TenantStorages, kind: StorageKind, side: 'input' | 'output') =>
  createStorages({
    ...ROOTS,
    getRoots: () => Promise.resolve(tenant),
    getRemote: (_tenant, remote) =>
      Promise.resolve(
        tenant.remotes.find((one) => one.settings.kind === remote && one.side === side),
      ),
    secrets,
  }).open({ tenant: tenant.name, kind, side });

test.each<StorageKind>(['local', 'S3', 'azure_blob'])(
  'a folder of %s is spelled without a connection as its driver spells it',
  async (kind) => {
    const findPlace = createFindPlace({ ...ROOTS, secrets });
    for (const tenant of kind === 'local' ? [acme, other] : [acme]) {
      for (const side of SIDES) {
        const driver = await open(tenant, kind, side);
        for (const key of KEYS) {
          expect(locationAt(findPlace(tenant, kind, side), key)).toBe(locationOf(driver, key));
        }
      }
    }
  },
);

test.each(['S3', 'azure_blob'] as const)(
  'a storage of %s stays open until it is set up anew, with other settings or another secret',
  async (kind) => {
    const [first] = acme.remotes.filter((one) => one.settings.kind === kind);
    if (first === undefined) expect.fail('is not set up');
    let now: KeptStorage = first;
    const storages = createStorages({
      ...ROOTS,
      getRoots: () => Promise.resolve(acme),
      getRemote: () => Promise.resolve(now),
      secrets,
    });
    const openNow = () => storages.open({ tenant: 'acme', kind, side: 'input' });
    const driver = await openNow();
    expect(await openNow()).toBe(driver);
    now = { ...first, settings: { ...first.settings, root: 'elsewhere' } };
    const elsewhere = await openNow();
    expect(elsewhere.root).toBe('elsewhere');
    const { azure } = inject('stores');
    now = { ...now, sealed: kept(now.settings, azure.connectionString, first.side).sealed };
    expect(await openNow()).not.toBe(elsewhere);
  },
);

const AZURE: AzureSettings = {
  kind: 'azure_blob',
  container: 'films',
  root: 'acme',
  credential: 'connection-string',
  accountUrl: null,
  tier: null,
  encryptionScope: null,
  cacheControl: null,
  fixedCacheControl: null,
};
const SIGNED = 'SharedAccessSignature=sv=2021&sig=abc%3D';

test.each([
  'DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5;EndpointSuffix=core.windows.net',
  'AccountName=acc; AccountKey=a2V5==; EndpointSuffix=core.chinacloudapi.cn; DefaultEndpointsProtocol=http',
  'DefaultEndpointsProtocol=http;BlobEndpoint=http://127.0.0.1:10000/acc/;AccountName=acc;AccountKey=a2V5',
  `BlobEndpoint=https://acc.blob.core.windows.net;${SIGNED}`,
  `${SIGNED};BlobEndpoint=https://Films.example.net/base`,
])('the account of %s is the one that the SDK finds', (secret) => {
  const driver = createAzureStorage(createAzureClient(AZURE, secret), AZURE);
  expect(locationAt(remotePlace(AZURE, secret), 'movie')).toBe(locationOf(driver, 'movie'));
});

test.each(['sas', 'identity'] as const)('an account URL with %s is the place', (credential) => {
  const accountUrl = 'https://acc.blob.core.windows.net';
  const settings: AzureSettings = { ...AZURE, credential, accountUrl };
  const secret = credential === 'sas' ? '?sv=2021&sig=abc' : undefined;
  const driver = createAzureStorage(createAzureClient(settings, secret), settings);
  expect(locationAt(remotePlace(settings, secret), 'movie')).toBe(locationOf(driver, 'movie'));
});

test('credentials that cannot be opened say so and tell nothing', () => {
  const findPlace = createFindPlace({ ...ROOTS, secrets: createSecretBox([]) });
  expect(() => findPlace(acme, 'azure_blob', 'output')).toThrow(/azure_blob cannot be opened/);
  expect(() => findPlace(other, 'S3', 'output')).toThrow('S3 is not configured');
});
