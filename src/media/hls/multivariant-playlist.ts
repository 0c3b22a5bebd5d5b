import { createUnique, type NamedCaptions, type NamedTrack } from '../asset/names.ts';
import { languageLabel, UNDETERMINED } from '../source/language.ts';
import { attributeList, quoted, toUri } from './attributes.ts';

const AUDIO_GROUP = 'audio';
const TEXT_GROUP = 'subtitles';

/** Frames per second to three places (RFC 8216 §4.3.4.2), undefined where nobody says. */
function frameRate(fraction: string | undefined): string | undefined {
  const [top, bottom] = (fraction ?? '').split('/').map(Number);
  const rate = (top ?? Number.NaN) / (bottom ?? 1);
  return Number.isFinite(rate) && rate > 0 ? rate.toFixed(3) : undefined;
}

const languageAttribute = (language: string): string | undefined =>
  language === UNDETERMINED ? undefined : quoted(language);

function buildAudio(audio: readonly NamedTrack[]): readonly string[] {
  const unique = createUnique();
  const languages = new Set<string>();
  return audio.map(({ track, stem }, at) => {
    const isFirstOfLanguage = !languages.has(track.language);
    languages.add(track.language);
    return `#EXT-X-MEDIA:${attributeList({
      TYPE: 'AUDIO',
      'GROUP-ID': quoted(AUDIO_GROUP),
      NAME: quoted(unique(languageLabel(track.language))),
      LANGUAGE: languageAttribute(track.language),
      DEFAULT: at === 0 ? 'YES' : 'NO',
      AUTOSELECT: isFirstOfLanguage ? 'YES' : 'NO',
      CHANNELS: quoted(String(track.channels ?? 2)),
      URI: quoted(toUri(`${stem}.m3u8`)),
    })}`;
  });
}

function buildText(captions: readonly NamedCaptions[]): readonly string[] {
  const unique = createUnique();
  return captions.map(
    ({ captions: one, stem }) =>
      `#EXT-X-MEDIA:${attributeList({
        TYPE: 'SUBTITLES',
        'GROUP-ID': quoted(TEXT_GROUP),
        NAME: quoted(unique(languageLabel(one.language))),
        LANGUAGE: languageAttribute(one.language),
        DEFAULT: 'NO',
        AUTOSELECT: 'YES',
        FORCED: 'NO',
        URI: quoted(toUri(`${stem}.m3u8`)),
      })}`,
  );
}

/**
 * The multivariant playlist (RFC 8216 §4.3.4): a variant for each video track, best first, with all
 * audio in one group; the audio tracks themselves where there is no video.
 */
export function buildMultivariantPlaylist(input: {
  readonly tracks: readonly NamedTrack[];
  readonly captions: readonly NamedCaptions[];
}): string {
  const video = input.tracks
    .filter(({ track }) => track.kind === 'video')
    .sort((a, b) => b.track.bandwidth - a.track.bandwidth);
  const audio = input.tracks.filter(({ track }) => track.kind === 'audio');
  const most = (of: (one: NamedTrack) => number): number => Math.max(0, ...audio.map(of));
  const variants = video.length > 0 ? video : audio;
  const grouped = video.length > 0 ? audio : [];
  const audioCodecs = [...new Set(grouped.map(({ track }) => track.codecs))];
  const streams = variants.flatMap(({ track, stem }) => [
    `#EXT-X-STREAM-INF:${attributeList({
      BANDWIDTH: String(
        track.bandwidth + (grouped.length > 0 ? most((one) => one.track.bandwidth) : 0),
      ),
      'AVERAGE-BANDWIDTH': String(
        track.averageBandwidth +
          (grouped.length > 0 ? most((one) => one.track.averageBandwidth) : 0),
      ),
      CODECS: quoted([track.codecs, ...audioCodecs].join(',')),
      RESOLUTION: track.width === undefined ? undefined : `${track.width}x${track.height ?? 0}`,
      'FRAME-RATE': track.kind === 'video' ? frameRate(track.frameRate) : undefined,
      AUDIO: grouped.length > 0 ? quoted(AUDIO_GROUP) : undefined,
      SUBTITLES: input.captions.length > 0 ? quoted(TEXT_GROUP) : undefined,
      'CLOSED-CAPTIONS': track.kind === 'video' ? 'NONE' : undefined,
    })}`,
    toUri(`${stem}.m3u8`),
  ]);
  return `${[
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...buildAudio(grouped),
    ...buildText(input.captions),
    ...streams,
  ].join('\n')}\n`;
}
