import { z } from 'zod';
import { STORAGE_KINDS } from '../domain/storage-kind.ts';
import { assetName, joinKey, parseFileName, parseFolder } from '../storage/paths.ts';
import { lenientBoolean, lenientInteger, lenientText, offsetSeconds } from './lenient.ts';
import type { RecipeJob, StorageDefaults, VodstreamInput } from './recipe-input.ts';

const storage = z.enum(STORAGE_KINDS, { error: `must be one of ${STORAGE_KINDS.join(', ')}` });
const drmSystem = z.enum(['playready', 'widevine', 'fairplay', 'cenc', 'aes', 'clear'], {
  error: 'may hold playready, widevine, fairplay, cenc, aes, clear',
});

/**
 * Parameters of `vodstream` with their defaults (workflow catalogue). Whatever else a client sends is
 * kept and returned.
 */
export const VodstreamParameters = z.looseObject({
  content_id: lenientText,
  source_folder: lenientText,
  /** Default: `source_folder`. */
  output_folder: lenientText.optional(),
  output_root: lenientText.optional(),
  delete_source: lenientBoolean.default(false),
  drm: z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      z.array(drmSystem, { error: 'must be an array' }),
    )
    .default(['clear']),
  enable_drm: lenientBoolean.default(true),
  encrypted: lenientBoolean.optional(),
  cpix: lenientBoolean.default(false),
  download_cpix: lenientBoolean.default(false),
  create_thumbnail: lenientBoolean.default(true),
  thumbnail_time: offsetSeconds.default(0),
  generate_mp4: lenientBoolean.default(false),
  /** Default: `{content_id}.mp4`. */
  mp4_filename: lenientText.optional(),
  mezzanine: lenientBoolean.default(false),
  preview_thumbnails: lenientBoolean.default(false),
  preview_thumbnails_interval: lenientInteger(1, 3600).default(10),
  apply_track_properties: lenientBoolean.default(false),
  track_properties: z.unknown().optional(),
  trickplay: lenientBoolean.default(false),
  trickplay_thumbnails: lenientBoolean.optional(),
  trickplay_thumbnail_size: lenientInteger(0, 7680).default(0),
  trickplay_thumbnail_interval: lenientInteger(1, 3600).default(10),
  trickplay_thumbnail_quality: lenientInteger(1, 100).default(30),
  file_properties: z
    .record(
      z.string(),
      z.looseObject({ kind: lenientText.optional(), language: lenientText.optional() }),
      { error: 'must be an object of file names' },
    )
    .default({}),
  all_audio_tracks: lenientBoolean.default(true),
  retries: lenientInteger(0, 100).default(0),
  source_storage: storage.optional(),
  destination_storage: storage.optional(),
  encode_source: lenientBoolean.default(false),
  encoding_profile: lenientText.default('H264'),
  encoding_mode: lenientText.default('STANDARD'),
  encoding_region: z.unknown().optional(),
  encoder_version: z.unknown().optional(),
  extract_audio: lenientBoolean.optional(),
  combine_sources: z.unknown().optional(),
  create_dref: z.unknown().optional(),
  encrypt_ismv: z.unknown().optional(),
  playready_key: z.unknown().optional(),
  custom_data: z.unknown().optional(),
  rest_endpoints: z
    .array(z.string({ error: 'must hold URLs' }), { error: 'must be an array of URLs' })
    .default([]),
});

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

/** Parameters whose feature this version lacks; asking for one is told in the job's log. */
export const VODSTREAM_NOT_YET = [
  'preview_thumbnails',
  'trickplay',
  'apply_track_properties',
  'cpix',
  'download_cpix',
] as const;

/**
 * What the workflow is started with, out of a job's stored parameters. Throws a WorkError
 * `InvalidInput` naming the parameter that cannot be.
 */
export function vodstreamInput(job: RecipeJob, defaults: StorageDefaults): VodstreamInput {
  const parameters = VodstreamParameters.parse(JSON.parse(job.parameters));
  const contentId = parameters.content_id;
  const sourceFolder = parseFolder(parameters.source_folder, 'source_folder');
  const sourceStorage = parameters.source_storage ?? defaults.source;
  const folder =
    parameters.output_folder === undefined
      ? sourceFolder
      : parseFolder(parameters.output_folder, 'output_folder');
  return {
    jobId: job.id,
    tenant: job.tenant,
    contentId,
    sourceStorage,
    sourceFolder,
    destinationStorage: parameters.destination_storage ?? defaults.destination ?? sourceStorage,
    outputFolder:
      parameters.output_root === undefined || parameters.output_root === ''
        ? folder
        : joinKey(parseFolder(parameters.output_root, 'output_root'), folder),
    asset: assetName(contentId),
    deleteSource: parameters.delete_source,
    createThumbnail: parameters.create_thumbnail,
    thumbnailTimeSeconds: parameters.thumbnail_time,
    generateMp4: parameters.generate_mp4,
    mp4Filename: parseFileName(parameters.mp4_filename ?? `${contentId}.mp4`, 'mp4_filename'),
    mezzanine: parameters.mezzanine,
    allAudioTracks: parameters.all_audio_tracks,
    retries: parameters.retries,
    fileProperties: Object.fromEntries(
      Object.entries(parameters.file_properties).map(([name, { kind, language }]) => [
        name,
        {
          ...(kind === undefined ? {} : { kind }),
          ...(language === undefined ? {} : { language }),
        },
      ]),
    ),
  };
}
