import type {
  ObjectCannedACL,
  S3Client,
  ServerSideEncryption,
  StorageClass,
} from '@aws-sdk/client-s3';
import type { S3Settings } from '../domain/storage-settings.ts';
import { contentTypeOf } from './content-type.ts';
import { STAMP_KEY } from './remote-file.ts';
import { toS3Failure } from './s3-client.ts';

/** A bucket that calls are made of. */
export interface S3Bucket {
  readonly client: S3Client;
  readonly settings: S3Settings;
}

/** Runs a call; what it throws says what was being done. */
export async function calling<Result>(doing: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw toS3Failure(error, doing);
  }
}

/** How an object is kept: the same for written and copied ones. */
export const keepingOf = ({ acl, storageClass, encryption, kmsKeyId }: S3Settings) => ({
  ...(acl === null ? {} : { ACL: acl as ObjectCannedACL }),
  ...(storageClass === null ? {} : { StorageClass: storageClass as StorageClass }),
  ...(encryption === null ? {} : { ServerSideEncryption: encryption as ServerSideEncryption }),
  ...(kmsKeyId === null ? {} : { SSEKMSKeyId: kmsKeyId }),
});

/** What goes with a written object. `stamp` tells of which local file it was made. */
export const headersOf = (
  settings: S3Settings,
  object: { readonly key: string; readonly stamp: string; readonly isFixedName: boolean },
) => {
  const cache = object.isFixedName ? settings.fixedCacheControl : settings.cacheControl;
  return {
    ContentType: contentTypeOf(object.key),
    Metadata: { [STAMP_KEY]: object.stamp },
    ...(cache === null ? {} : { CacheControl: cache }),
    ...keepingOf(settings),
  };
};
