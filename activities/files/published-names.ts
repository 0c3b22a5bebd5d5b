/** Name of an asset's poster. */
export const thumbnailName = (asset: string): string => `${asset}.jpg`;

/** Name of an asset's technical metadata. */
export const metadataName = (asset: string): string => `${asset}_metadata.json`;

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * Whether a file is a media or captions file that a publication of the asset left in its folder,
 * `<asset>-<job>-video-720p.mp4`. Source and output folder are the same by default.
 */
export function isPublishedName(asset: string, name: string): boolean {
  const pattern = `^${escape(asset)}-\\d+-(?:video|audio|text)-[A-Za-z0-9-]+\\.(?:mp4|vtt|m3u8)$`;
  return new RegExp(pattern).test(name);
}

/**
 * Whether a manifest names a job's files. The asset's name before the job's id is encoded differently
 * in HLS and DASH, so it is left out of the comparison.
 */
export const isNamedForJob = (jobId: number, manifest: string): boolean =>
  new RegExp(`-${jobId}-(?:video|audio|text)-`).test(manifest);
