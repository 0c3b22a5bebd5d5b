import { WorkError } from '../domain/failure.ts';
import {
  type KeptStorage,
  type StorageSettings,
  storageSecretContext,
} from '../domain/storage-settings.ts';
import type { StorageDriver } from './driver.ts';
import { withNamedFailures } from './named-failures.ts';

/** Opens sealed credentials. */
export interface SealedSecrets {
  readonly open: (sealed: string, context: string) => string;
}

/**
 * The secret part of a storage's credentials, undefined where there is none. Throws a terminal WorkError
 * `StorageFailed` where it cannot be opened.
 */
export function openCredentials(
  { tenantId, side, settings, sealed }: KeptStorage,
  secrets: SealedSecrets,
): string | undefined {
  if (sealed === null) return undefined;
  try {
    return secrets.open(sealed, storageSecretContext(tenantId, settings.kind, side));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WorkError(
      'StorageFailed',
      `The credentials of ${settings.kind} cannot be opened: ${why}`,
      { isTerminal: true },
    );
  }
}

/**
 * Makes a function that opens remote storages. Connections are kept: a storage is opened anew only where
 * it is set up differently than the last time. Throws a terminal WorkError `StorageFailed` where the
 * credentials cannot be opened.
 */
export function createRemoteOpener(
  secrets: SealedSecrets,
): (kept: KeptStorage) => Promise<StorageDriver> {
  const opened = new Map<
    string,
    { readonly setUp: string; readonly driver: Promise<StorageDriver> }
  >();

  return async (kept) => {
    const place = storageSecretContext(kept.tenantId, kept.settings.kind, kept.side);
    const setUp = JSON.stringify([kept.settings, kept.sealed]);
    const known = opened.get(place);
    if (known?.setUp === setUp) return known.driver;
    const driver = connect(kept, openCredentials(kept, secrets));
    opened.set(place, { setUp, driver });
    return driver;
  };
}

async function connect(
  { settings }: KeptStorage,
  secret: string | undefined,
): Promise<StorageDriver> {
  try {
    return withNamedFailures(await createDriver(settings, secret), settings);
  } catch {
    // the SDK's own message may quote what it could not read
    throw new WorkError('StorageFailed', `${settings.kind} cannot be opened as it is set up`, {
      isTerminal: true,
    });
  }
}

// loaded when first used: a server with local storage alone needs neither SDK in memory
async function createDriver(
  settings: StorageSettings,
  secret: string | undefined,
): Promise<StorageDriver> {
  if (settings.kind === 'S3') {
    const [{ createS3Storage }, { createS3Client }] = await Promise.all([
      import('./s3.ts'),
      import('./s3-client.ts'),
    ]);
    return createS3Storage(createS3Client(settings, secret), settings);
  }
  const [{ createAzureStorage }, { createAzureClient }] = await Promise.all([
    import('./azure-blob.ts'),
    import('./azure-client.ts'),
  ]);
  return createAzureStorage(createAzureClient(settings, secret), settings);
}
