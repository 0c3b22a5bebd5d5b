import { z } from 'zod';
import { everyRecipe, storageKind } from './every-recipe.ts';
import { lenientBoolean, lenientInteger, offsetSeconds, text } from './lenient.ts';

const drmSystem = z.enum(['playready', 'widevine', 'fairplay', 'cenc', 'aes', 'clear'], {
  error: 'may hold playready, widevine, fairplay, cenc, aes, clear',
});
const fileProperty = z.looseObject(
  { kind: text.optional(), language: text.optional() },
  { error: 'must be an object of kind and language' },
);
const filters = { error: 'must be an object or array of filters' };

const NOT_YET = 'Not available in this version';
const NO_EFFECT = 'Accepted; has no effect here';

/**
 * Parameters of `vodstream` with their defaults (workflow catalogue). Whatever else a client sends is
 * kept and returned.
 */
export const VodstreamParameters = z
  .looseObject({
    content_id: text
      .meta({ example: 'movie-42' })
      .describe("The client's own key for the content; file names are made of it"),
    ...everyRecipe,
    source_folder: text
      .meta({ example: 'incoming/movie-42' })
      .describe("Folder of the sources below the client's input root"),
    output_folder: text
      .optional()
      .describe("Folder of the asset below the client's output root. Default: source_folder"),
    output_root: text.optional().describe('Folder put before output_folder'),
    delete_source: lenientBoolean.default(false).describe('Delete the sources once published'),
    empty_target: lenientBoolean
      .default(false)
      .describe('Delete all else that is directly in the output folder, once the asset is on air'),
    drm: z
      .array(drmSystem, { error: 'must be an array' })
      .default(['clear'])
      .describe('Only clear is available in this version'),
    enable_drm: lenientBoolean.default(true).describe('Which manifest is the active one'),
    encrypted: lenientBoolean.optional().describe('Deprecated alias of enable_drm'),
    cpix: lenientBoolean.default(false).describe(NOT_YET),
    download_cpix: lenientBoolean.default(false).describe(NOT_YET),
    create_thumbnail: lenientBoolean.default(true).describe('Make a poster image'),
    thumbnail_time: offsetSeconds
      .default(0)
      .describe('Where the poster is taken: seconds, or h:mm:ss.fff'),
    generate_mp4: lenientBoolean.default(false).describe('Make an MP4 for download'),
    mp4_filename: text.optional().describe('Name of the MP4. Default: {content_id}.mp4'),
    mezzanine: lenientBoolean
      .default(false)
      .describe('What the MP4 holds. false: best audio and video; true: all video tracks'),
    preview_thumbnails: lenientBoolean.default(false).describe(NOT_YET),
    preview_thumbnails_interval: lenientInteger(1, 3600).default(10).describe('Seconds'),
    apply_track_properties: lenientBoolean.default(false).describe(NOT_YET),
    track_properties: z
      .union([z.looseObject({}), z.array(z.unknown())], filters)
      .optional()
      .describe('Filters and the properties of the tracks they match'),
    trickplay: lenientBoolean.default(false).describe(NOT_YET),
    trickplay_thumbnails: lenientBoolean.optional().describe(`${NOT_YET}. Default: trickplay`),
    trickplay_thumbnail_size: lenientInteger(0, 7680)
      .default(0)
      .describe('Long edge in pixels; 0 keeps the original size'),
    trickplay_thumbnail_interval: lenientInteger(1, 3600).default(10).describe('Seconds'),
    trickplay_thumbnail_quality: lenientInteger(1, 100).default(30),
    file_properties: z
      .record(z.string(), fileProperty, { error: 'must be an object of file names' })
      .default({})
      .meta({ example: { 'commentary.m4a': { language: 'de' } } })
      .describe('Source file name → kind and language, where the name does not say'),
    all_audio_tracks: lenientBoolean
      .default(true)
      .describe('false: only the best bitrate of each language'),
    retries: lenientInteger(0, 100)
      .default(0)
      .describe('How often fetching the source is tried again'),
    source_storage: storageKind.optional().describe("Where the sources are. Default: the client's"),
    destination_storage: storageKind
      .optional()
      .describe("Where the asset goes. Default: the client's, else source_storage"),
    encode_source: lenientBoolean
      .default(false)
      .describe(`Encode into a bitrate ladder. ${NOT_YET}: true is refused`),
    encoding_profile: text.default('H264').describe('Of encode_source'),
    encoding_mode: text.default('STANDARD').describe('Of encode_source'),
    extract_audio: lenientBoolean
      .optional()
      .describe('Of encode_source; audio is always a track of its own. Default: encode_source'),
    encoding_region: text.optional().describe(NO_EFFECT),
    encoder_version: text.default('STABLE').describe(NO_EFFECT),
    combine_sources: lenientBoolean.default(true).describe(NO_EFFECT),
    create_dref: lenientBoolean.default(true).describe(NO_EFFECT),
    encrypt_ismv: lenientBoolean.default(false).describe(NO_EFFECT),
    playready_key: text.optional().describe(NO_EFFECT),
  })
  .meta({ id: 'VodstreamParameters' });

/** {@link VodstreamParameters} as they come out of the schema. */
export type VodstreamParameters = z.infer<typeof VodstreamParameters>;

/** Parameters that only meant something to the original's commercial packager. */
export const VODSTREAM_WITHOUT_EFFECT = [
  'encoding_region',
  'encoder_version',
  'combine_sources',
  'create_dref',
  'encrypt_ismv',
  'playready_key',
] as const;

/** Switches whose feature this version lacks; asking for one is told in the job's log. */
export const VODSTREAM_NOT_YET = [
  'preview_thumbnails',
  'trickplay',
  'trickplay_thumbnails',
  'apply_track_properties',
  'cpix',
  'download_cpix',
] as const;
