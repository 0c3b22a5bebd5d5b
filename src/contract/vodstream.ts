import { assetName, joinKey, parseFileName, parseFolder } from '../storage/paths.ts';
import { parseParameters } from './parse-parameters.ts';
import type { RecipeJob, StorageDefaults, VodstreamInput } from './recipe-input.ts';
import { VodstreamParameters } from './vodstream-parameters.ts';

/**
 * What the workflow is started with, out of a job's stored parameters. Throws a WorkError
 * `InvalidInput` naming the parameter that cannot be.
 */
export function vodstreamInput(job: RecipeJob, defaults: StorageDefaults): VodstreamInput {
  const parameters = parseParameters(VodstreamParameters, job.parameters);
  const sourceFolder = parseFolder(parameters.source_folder, 'source_folder');
  const sourceStorage = parameters.source_storage ?? defaults.source;
  return {
    jobId: job.id,
    tenant: job.tenant,
    contentId: parameters.content_id,
    sourceStorage,
    sourceFolder,
    destinationStorage: parameters.destination_storage ?? defaults.destination ?? sourceStorage,
    outputFolder: outputFolder(parameters, sourceFolder),
    asset: assetName(parameters.content_id),
    deleteSource: parameters.delete_source,
    createThumbnail: parameters.create_thumbnail,
    thumbnailTimeSeconds: parameters.thumbnail_time,
    generateMp4: parameters.generate_mp4,
    mp4Filename: mp4Filename(parameters),
    mezzanine: parameters.mezzanine,
    allAudioTracks: parameters.all_audio_tracks,
    retries: parameters.retries,
    emptyTarget: parameters.empty_target,
    fileProperties: fileProperties(parameters),
  };
}

/** Why what is asked for would be published otherwise than asked, or undefined where it would not. */
export function vodstreamFault(parameters: VodstreamParameters): string | undefined {
  const protectedBy = parameters.drm.filter((system) => system !== 'clear');
  if (protectedBy.length > 0) {
    return `drm: ${protectedBy.join(', ')} not available in this version; only clear is, and publishing clear content instead would be wrong`;
  }
  return parameters.encode_source
    ? 'encode_source: not available in this version; send encoded renditions'
    : undefined;
}

function outputFolder(parameters: VodstreamParameters, sourceFolder: string): string {
  const folder =
    parameters.output_folder === undefined
      ? sourceFolder
      : parseFolder(parameters.output_folder, 'output_folder');
  return parameters.output_root === undefined || parameters.output_root === ''
    ? folder
    : joinKey(parseFolder(parameters.output_root, 'output_root'), folder);
}

const mp4Filename = ({ mp4_filename: name, content_id: contentId }: VodstreamParameters): string =>
  parseFileName(name ?? `${contentId}.mp4`, 'mp4_filename');

/** Kind and language of each file, without what else a client wrote there. */
function fileProperties(parameters: VodstreamParameters): VodstreamInput['fileProperties'] {
  return Object.fromEntries(
    Object.entries(parameters.file_properties).map(([name, { kind, language }]) => [
      name,
      {
        ...(kind === undefined ? {} : { kind }),
        ...(language === undefined ? {} : { language }),
      },
    ]),
  );
}
