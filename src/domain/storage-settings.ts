import type { StorageKind } from './storage-kind.ts';

/** Whether sources are read there or results written there. */
export const STORAGE_SIDES = ['input', 'output'] as const;

/** One of {@link STORAGE_SIDES}. */
export type StorageSide = (typeof STORAGE_SIDES)[number];

/** The storages that are set up per tenant, by the operator alone; `local` needs roots only. */
export type RemoteKind = Exclude<StorageKind, 'local'>;

/** What both remote storages have. */
interface RemoteSettings {
  /** Folder inside the bucket or container that is the tenant's root; `''` for all of it. */
  readonly root: string;
  /** `Cache-Control` of files whose name never gets other content; null sends none. */
  readonly cacheControl: string | null;
  /** `Cache-Control` of files that a later publication replaces, manifests among them; null sends none. */
  readonly fixedCacheControl: string | null;
}

/** An S3 bucket, or one of a service that speaks S3's protocol. */
export interface S3Settings extends RemoteSettings {
  readonly kind: 'S3';
  readonly bucket: string;
  readonly region: string;
  /** `https://host[:port]` of the service; null for AWS itself. */
  readonly endpoint: string | null;
  /** `<endpoint>/<bucket>/<key>` instead of `<bucket>.<endpoint>/<key>`. */
  readonly isPathStyle: boolean;
  /** Null: the SDK's default provider chain (environment, profile, web identity, instance). */
  readonly accessKeyId: string | null;
  /** Canned ACL of written objects, `public-read`; null sends none, which buckets without ACLs need. */
  readonly acl: string | null;
  /** `STANDARD_IA`; null: the bucket's default. */
  readonly storageClass: string | null;
  /** `AES256` or `aws:kms`; null: the bucket's default. */
  readonly encryption: string | null;
  readonly kmsKeyId: string | null;
  /** False for services that know no CRC-32 headers: parts go with Content-MD5 instead. */
  readonly hasChecksums: boolean;
}

/** How an Azure container is opened. `identity` needs no secret: DefaultAzureCredential. */
export const AZURE_CREDENTIALS = ['connection-string', 'sas', 'identity'] as const;

/** A container of Azure Blob Storage. */
export interface AzureSettings extends RemoteSettings {
  readonly kind: 'azure_blob';
  readonly container: string;
  readonly credential: (typeof AZURE_CREDENTIALS)[number];
  /** `https://<account>.blob.core.windows.net`; null where the connection string says it. */
  readonly accountUrl: string | null;
  /** Access tier of written blobs, `Cool`; null: the account's default. */
  readonly tier: string | null;
  readonly encryptionScope: string | null;
}

/** How a tenant's remote storage is reached. Holds no secret. */
export type StorageSettings = S3Settings | AzureSettings;

/** What the credentials of a storage are sealed for, so that they open nowhere else. */
export const storageSecretContext = (
  tenantId: number,
  kind: RemoteKind,
  side: StorageSide,
): string => `tenant_storages/${tenantId}/${kind}/${side}`;

/** A tenant's storage as it is kept. */
export interface KeptStorage {
  readonly tenantId: number;
  readonly side: StorageSide;
  readonly settings: StorageSettings;
  /** The secret part of the credentials, sealed; null where there is none. */
  readonly sealed: string | null;
}
