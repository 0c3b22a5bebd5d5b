/** Name of an asset's poster. */
export const thumbnailName = (asset: string): string => `${asset}.jpg`;

/** Name of an asset's technical metadata. */
export const metadataName = (asset: string): string => `${asset}_metadata.json`;

/**
 * Whether a manifest names a job's files. The asset's name before the job's id is encoded differently
 * in HLS and DASH, so it is left out of the comparison.
 */
export const isNamedForJob = (jobId: number, manifest: string): boolean =>
  new RegExp(`-${jobId}-(?:video|audio|text)-`).test(manifest);

/** Whether a file has a name that another publication of the asset uses too: manifests, poster, metadata, MP4. */
export const isFixedName = (name: string): boolean => !/-\d+-(?:video|audio|text)-/.test(name);

/** Whether a name is one that the engine keeps for files on their way; no listing shows them. */
export const isHidden = (name: string): boolean => name.startsWith('.te-');
