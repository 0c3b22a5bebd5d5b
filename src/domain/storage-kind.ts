/** The storages a job may name in `source_storage` and `destination_storage` (contract §6). */
export const STORAGE_KINDS = ['S3', 'azure_blob', 'local'] as const;

/** One of {@link STORAGE_KINDS}. */
export type StorageKind = (typeof STORAGE_KINDS)[number];
