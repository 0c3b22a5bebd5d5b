import { buildDashManifest } from '../dash/manifest.ts';
import { buildMediaPlaylist, buildTextPlaylist, startApart } from '../hls/media-playlist.ts';
import { buildMultivariantPlaylist } from '../hls/multivariant-playlist.ts';
import type { CaptionTrack, PackagedTrack } from '../packager/packaged-track.ts';
import { manifestNames, nameCaptions, nameTracks } from './names.ts';

/** A text file of an asset. */
export interface ManifestFile {
  readonly name: string;
  readonly text: string;
}

/** All manifests of an asset and the names its media files get. */
export interface AssetManifests {
  /** Playlists that nothing refers to before the active manifests do. */
  readonly playlists: readonly ManifestFile[];
  /** The active manifests, to be written last. */
  readonly active: readonly ManifestFile[];
  /** Staged name → name in the output folder. */
  readonly trackFiles: readonly { readonly stagedName: string; readonly name: string }[];
  readonly captionFiles: readonly { readonly stagedName: string; readonly name: string }[];
}

/** Writes HLS (RFC 8216) and DASH (ISO/IEC 23009-1) over one set of CMAF files. */
export function buildManifests(input: {
  readonly asset: string;
  readonly jobId: number;
  readonly tracks: readonly PackagedTrack[];
  readonly captions: readonly CaptionTrack[];
  readonly durationSeconds: number;
}): AssetManifests {
  const tracks = nameTracks(input.asset, input.jobId, input.tracks);
  const captions = nameCaptions(input.asset, input.jobId, input.captions);
  const names = manifestNames(input.asset);
  const isTied = startApart(tracks);
  // the presentation ends with its last track; one that starts late ends after its own length
  const ends = input.tracks.map((one) => one.startSeconds + one.packagedSeconds);
  const durationSeconds = Math.max(input.durationSeconds, ...ends);
  return {
    playlists: [
      ...tracks.map((one) => ({ name: `${one.stem}.m3u8`, text: buildMediaPlaylist(one, isTied) })),
      ...captions.map((one) => ({
        name: `${one.stem}.m3u8`,
        text: buildTextPlaylist(one, durationSeconds, isTied),
      })),
    ],
    active: [
      {
        name: names.dash,
        text: buildDashManifest({ tracks, captions, durationSeconds }),
      },
      { name: names.hls, text: buildMultivariantPlaylist({ tracks, captions }) },
    ],
    trackFiles: tracks.map((one) => ({ stagedName: one.track.fileName, name: `${one.stem}.mp4` })),
    captionFiles: captions.map((one) => ({
      stagedName: one.captions.fileName,
      name: `${one.stem}.vtt`,
    })),
  };
}
