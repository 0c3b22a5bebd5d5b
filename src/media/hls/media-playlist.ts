import type { NamedCaptions, NamedTrack } from '../asset/names.ts';
import { attributeList, quoted, toUri } from './attributes.ts';

const decimal = (seconds: number): string => seconds.toFixed(6);

/** The longest segment, rounded (RFC 8216 §4.3.3.1). */
const targetDuration = (seconds: readonly number[]): number =>
  Math.max(1, ...seconds.map((one) => Math.round(one)));

/** Seconds by which tracks may start apart before players need to be told. */
const TOGETHER_SECONDS = 0.01;

/** Whether the tracks of an asset start apart, so that their playlists must be tied together. */
export function startApart(tracks: readonly NamedTrack[]): boolean {
  const starts = tracks.map(({ track }) => track.startSeconds);
  return Math.max(...starts) - Math.min(...starts) > TOGETHER_SECONDS;
}

/**
 * Ties a playlist's start to the others' (RFC 8216 §4.3.2.6): players that lay every playlist at 0 would
 * bring a track that starts later out of sync. The date itself means nothing.
 */
const programDateTime = (startSeconds: number): string =>
  `#EXT-X-PROGRAM-DATE-TIME:${new Date(Math.round(startSeconds * 1000)).toISOString()}`;

/**
 * A VOD playlist over one CMAF file: byte ranges of its segments. Version 7: ranges and EXT-X-MAP.
 * `isTied` writes where it starts, for assets whose tracks start apart.
 */
export function buildMediaPlaylist({ track, stem }: NamedTrack, isTied: boolean): string {
  const uri = toUri(`${stem}.mp4`);
  const map = attributeList({ URI: quoted(uri), BYTERANGE: quoted(`${track.initEndByte}@0`) });
  return `${[
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDuration(track.segments.map((one) => one.durationSeconds))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXT-X-MAP:${map}`,
    ...(isTied ? [programDateTime(track.startSeconds)] : []),
    ...track.segments.flatMap((segment) => [
      `#EXTINF:${decimal(segment.durationSeconds)},`,
      `#EXT-X-BYTERANGE:${segment.sizeBytes}@${segment.startByte}`,
      uri,
    ]),
    '#EXT-X-ENDLIST',
  ].join('\n')}\n`;
}

/** A playlist of subtitles: one WebVTT file for the whole length. */
export function buildTextPlaylist(
  { stem }: NamedCaptions,
  durationSeconds: number,
  isTied: boolean,
): string {
  return `${[
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDuration([durationSeconds])}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    ...(isTied ? [programDateTime(0)] : []),
    `#EXTINF:${decimal(durationSeconds)},`,
    toUri(`${stem}.vtt`),
    '#EXT-X-ENDLIST',
  ].join('\n')}\n`;
}
