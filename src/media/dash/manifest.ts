import type { NamedCaptions, NamedTrack } from '../asset/names.ts';
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

const SET = { segmentAlignment: true, subsegmentAlignment: true, subsegmentStartsWithSAP: 1 };

function buildAudioSet(track: NamedTrack, id: number, isMain: boolean): XmlNode {
  const { language } = track.track;
  return element('AdaptationSet', { id, contentType: 'audio', lang: language, ...SET }, [
    element('Label', {}, languageLabel(language)),
    role(isMain ? 'main' : 'alternate'),
    buildRepresentation(track),
  ]);
}

function buildTextSet({ captions, stem }: NamedCaptions, id: number): XmlNode {
  return element('AdaptationSet', { id, contentType: 'text', lang: captions.language }, [
    element('Label', {}, languageLabel(captions.language)),
    role('subtitle'),
    element('Representation', { id: `text_${id}`, bandwidth: 256, mimeType: 'text/vtt' }, [
      element('BaseURL', {}, toUri(`${stem}.vtt`)),
    ]),
  ]);
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
      element('AdaptationSet', { id: sets.length, contentType: 'video', ...SET }, [
        role('main'),
        ...video.map(buildRepresentation),
      ]),
    );
  }
  for (const [at, track] of audio.entries()) sets.push(buildAudioSet(track, sets.length, at === 0));
  for (const one of input.captions) sets.push(buildTextSet(one, sets.length));
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
