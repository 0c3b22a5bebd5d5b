import type { NamedCaptions, NamedTrack } from '../asset/names.ts';
import { attributeList, quoted, toUri } from './attributes.ts';

const decimal = (seconds: number): string => seconds.toFixed(6);

/** The longest segment, rounded (RFC 8216 §4.3.3.1). */
const targetDuration = (seconds: readonly number[]): number =>
  Math.max(1, ...seconds.map((one) => Math.round(one)));

/** A VOD playlist over one CMAF file: byte ranges of its segments. Version 7: ranges and EXT-X-MAP. */
export function buildMediaPlaylist({ track, stem }: NamedTrack): string {
  const uri = toUri(`${stem}.mp4`);
  const map = attributeList({ URI: quoted(uri), BYTERANGE: quoted(`${track.initEndByte}@0`) });
  return `${[
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDuration(track.segments.map((one) => one.durationSeconds))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXT-X-MAP:${map}`,
    ...track.segments.flatMap((segment) => [
      `#EXTINF:${decimal(segment.durationSeconds)},`,
      `#EXT-X-BYTERANGE:${segment.sizeBytes}@${segment.startByte}`,
      uri,
    ]),
    '#EXT-X-ENDLIST',
  ].join('\n')}\n`;
}

/** A playlist of subtitles: one WebVTT file for the whole length. */
export function buildTextPlaylist({ stem }: NamedCaptions, durationSeconds: number): string {
  return `${[
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetDuration([durationSeconds])}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXTINF:${decimal(durationSeconds)},`,
    toUri(`${stem}.vtt`),
    '#EXT-X-ENDLIST',
  ].join('\n')}\n`;
}
