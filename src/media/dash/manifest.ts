import { createUnique, type NamedCaptions, type NamedTrack } from '../asset/names.ts';
import { toUri } from '../hls/attributes.ts';
import { languageLabel } from '../source/language.ts';
import { element, type XmlNode } from './xml.ts';

const CHANNELS = 'urn:mpeg:mpegB:cicp:ChannelConfiguration';
const ROLE = 'urn:mpeg:dash:role:2011';

/** Channel counts to configurations of ISO/IEC 23091-3 where the two differ. */
const CONFIGURATIONS: Readonly<Record<number, number>> = { 8: 12, 7: 11 };

const duration = (seconds: number): string => `PT${seconds.toFixed(3)}S`;
const role = (value: string): XmlNode => element('Role', { schemeIdUri: ROLE, value });

function buildRepresentation({ track, stem }: NamedTrack): XmlNode {
  return element(
    'Representation',
    {
      id: track.id,
      bandwidth: track.bandwidth,
      codecs: track.codecs,
      mimeType: `${track.kind}/mp4`,
      ...(track.kind === 'video'
        ? { width: track.width, height: track.height, frameRate: track.frameRate, sar: track.sar }
        : { audioSamplingRate: track.sampleRate }),
    },
    [
      ...(track.kind === 'audio' && track.channels !== undefined
        ? [
            element('AudioChannelConfiguration', {
              schemeIdUri: CHANNELS,
              value: CONFIGURATIONS[track.channels] ?? track.channels,
            }),
          ]
        : []),
      element('BaseURL', {}, toUri(`${stem}.mp4`)),
      element('SegmentBase', { indexRange: `${track.indexStartByte}-${track.indexEndByte - 1}` }, [
        element('Initialization', { range: `0-${track.initEndByte - 1}` }),
      ]),
    ],
  );
}

/** Seconds by which segments of two renditions may differ and still be switched between: rounding. */
const ALIGNED_SECONDS = 0.002;

/** Whether the segments of all renditions start together: a promise that players build on. */
function areAligned([first, ...others]: readonly NamedTrack[]): boolean {
  const starts = (named: NamedTrack): readonly number[] => {
    let at = named.track.startSeconds;
    return named.track.segments.map((one) => (at += one.durationSeconds) - one.durationSeconds);
  };
  const expected = first === undefined ? [] : starts(first);
  return others.every((other) => {
    const found = starts(other);
    return (
      found.length === expected.length &&
      found.every((at, place) => Math.abs(at - (expected[place] ?? 0)) <= ALIGNED_SECONDS)
    );
  });
}

const setAttributes = (tracks: readonly NamedTrack[]) => ({
  subsegmentAlignment: areAligned(tracks),
  subsegmentStartsWithSAP: 1,
});

type Labeller = (language: string) => string;

function buildAudioSet(track: NamedTrack, id: number, isMain: boolean, label: Labeller): XmlNode {
  const lang = track.track.language;
  return element('AdaptationSet', { id, contentType: 'audio', lang, ...setAttributes([track]) }, [
    element('Label', {}, label(lang)),
    role(isMain ? 'main' : 'alternate'),
    buildRepresentation(track),
  ]);
}

function buildTextSet({ captions, stem }: NamedCaptions, id: number, label: Labeller): XmlNode {
  return element('AdaptationSet', { id, contentType: 'text', lang: captions.language }, [
    element('Label', {}, label(captions.language)),
    role('subtitle'),
    element('Representation', { id: `text_${id}`, bandwidth: 256, mimeType: 'text/vtt' }, [
      element('BaseURL', {}, toUri(`${stem}.vtt`)),
    ]),
  ]);
}

/** Names tracks after their language; a second one of a language is told apart, as in HLS. */
function createLabeller(): Labeller {
  const unique = createUnique();
  return (language) => unique(languageLabel(language));
}

/**
 * A static manifest of the on-demand profile (ISO/IEC 23009-1 §8.3): each track is one file with an
 * index of its own. `Label` stands before `Role`, as the schema wants it.
 */
export function buildDashManifest(input: {
  readonly tracks: readonly NamedTrack[];
  readonly captions: readonly NamedCaptions[];
  readonly durationSeconds: number;
}): string {
  const video = input.tracks.filter(({ track }) => track.kind === 'video');
  const audio = input.tracks.filter(({ track }) => track.kind === 'audio');
  const sets: XmlNode[] = [];
  if (video.length > 0) {
    sets.push(
      element('AdaptationSet', { id: sets.length, contentType: 'video', ...setAttributes(video) }, [
        role('main'),
        ...video.map(buildRepresentation),
      ]),
    );
  }
  const [audioLabel, textLabel] = [createLabeller(), createLabeller()];
  for (const [at, track] of audio.entries()) {
    sets.push(buildAudioSet(track, sets.length, at === 0, audioLabel));
  }
  for (const one of input.captions) sets.push(buildTextSet(one, sets.length, textLabel));
  const mpd = element(
    'MPD',
    {
      xmlns: 'urn:mpeg:dash:schema:mpd:2011',
      profiles: 'urn:mpeg:dash:profile:isoff-on-demand:2011',
      type: 'static',
      minBufferTime: 'PT4S',
      mediaPresentationDuration: duration(input.durationSeconds),
    },
    [element('Period', { id: 'p0', duration: duration(input.durationSeconds) }, sets)],
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${mpd.text}\n`;
}
