import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import { createAzureStorage } from '../../src/storage/azure-blob.ts';
import { createAzureClient } from '../../src/storage/azure-client.ts';
import type { StorageDriver } from '../../src/storage/driver.ts';
import { createS3Storage } from '../../src/storage/s3.ts';
import { createS3Client } from '../../src/storage/s3-client.ts';
import { newBucket, newContainer } from './storages.ts';

/** The kinds of storage that are reached over a wire. */
export const REMOTE_KINDS = ['S3', 'azure_blob'] as const;

/** A new bucket or container, reached straight and through a proxy. */
export interface Wire {
  readonly straight: StorageDriver;
  readonly driver: StorageDriver;
  /** Uploads that were begun and neither ended nor removed: S3's open ones, Azure's uncommitted blobs. */
  readonly openUploads: () => Promise<number>;
}

/** Where the test's server of a kind is. */
export function storeUrl(kind: (typeof REMOTE_KINDS)[number]): string {
  const { s3, azure } = inject('stores');
  if (kind === 'S3') return s3.endpoint;
  const [, url = ''] = /BlobEndpoint=(http:\/\/[^/;]+)/.exec(azure.connectionString) ?? [];
  return url;
}

/** Opens a wire; `proxyUrl` is what stands before the store of that kind. */
export async function openWire(
  kind: (typeof REMOTE_KINDS)[number],
  proxyUrl: string,
): Promise<Wire> {
  const { s3, azure } = inject('stores');
  if (kind === 'S3') {
    const { settings, client } = await newBucket();
    const through = { ...settings, endpoint: proxyUrl };
    return {
      straight: createS3Storage(client, settings),
      driver: createS3Storage(createS3Client(through, s3.secretAccessKey), through),
      openUploads: async () => {
        const { Uploads = [] } = await client.send(
          new ListMultipartUploadsCommand({ Bucket: settings.bucket }),
        );
        return Uploads.length;
      },
    };
  }
  const { settings, client } = await newContainer();
  const through = createAzureClient(
    settings,
    azure.connectionString.replace(storeUrl('azure_blob'), proxyUrl),
  );
  return {
    straight: createAzureStorage(client, settings),
    driver: createAzureStorage(through, settings),
    openUploads: async () => {
      const names = async (includeUncommitedBlobs: boolean): Promise<number> => {
        let count = 0;
        for await (const _ of client.listBlobsFlat({ includeUncommitedBlobs })) count += 1;
        return count;
      };
      return (await names(true)) - (await names(false));
    },
  };
}
