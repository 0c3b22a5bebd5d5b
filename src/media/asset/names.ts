import type { CaptionTrack, PackagedTrack } from '../packager/packaged-track.ts';

/** Names of an asset's two active manifests; the same for every publication of it. */
export const manifestNames = (asset: string): { readonly hls: string; readonly dash: string } => ({
  hls: `${asset}.m3u8`,
  dash: `${asset}.mpd`,
});

/** A track with the name it has in the output folder. */
export interface NamedTrack {
  readonly track: PackagedTrack;
  /** Without extension; the media file and its HLS playlist share it. */
  readonly stem: string;
}

/** A caption track with the name it has in the output folder. */
export interface NamedCaptions {
  readonly captions: CaptionTrack;
  readonly stem: string;
}

/**
 * Output names, `<asset>-<job>-video-720p`, `<asset>-<job>-audio-es`: the job's id keeps them apart from
 * those of the publication that is on air, which stays playable until the manifests switch.
 */
export function nameTracks(
  asset: string,
  jobId: number,
  tracks: readonly PackagedTrack[],
): readonly NamedTrack[] {
  const unique = createUnique();
  return tracks.map((track) => {
    const what = track.kind === 'video' ? `video-${track.height ?? 0}p` : `audio-${track.language}`;
    return { track, stem: unique(`${asset}-${jobId}-${what}`) };
  });
}

/** {@link nameTracks} for captions: `<asset>-<job>-text-en`. */
export function nameCaptions(
  asset: string,
  jobId: number,
  captions: readonly CaptionTrack[],
): readonly NamedCaptions[] {
  const unique = createUnique();
  return captions.map((one) => ({
    captions: one,
    stem: unique(`${asset}-${jobId}-text-${one.language}`),
  }));
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * Whether a file is a media or captions file that a publication of the asset left in its folder,
 * `<asset>-<job>-video-720p.mp4`. Source and output folder are the same by default.
 */
export function isPublishedName(asset: string, name: string): boolean {
  const pattern = `^${escape(asset)}-\\d+-(?:video|audio|text)-[A-Za-z0-9-]+\\.(?:mp4|vtt|m3u8)$`;
  return new RegExp(pattern).test(name);
}

/** Gives a name back unchanged the first time, then with `-2`, `-3`. */
export function createUnique(): (name: string) => string {
  const used = new Map<string, number>();
  return (name) => {
    const times = (used.get(name) ?? 0) + 1;
    used.set(name, times);
    return times === 1 ? name : `${name}-${times}`;
  };
}
