import type { StorageKind } from '../domain/storage-kind.ts';
import { joinKey, parseFilePath, parseFolder } from '../storage/paths.ts';
import { AssetDeleteParameters, VoddeleteParameters } from './delete-parameters.ts';
import { parseParameters } from './parse-parameters.ts';
import type {
  AssetDeleteInput,
  RecipeJob,
  StorageDefaults,
  VoddeleteInput,
} from './recipe-input.ts';

/** What `voddelete` is started with. Throws a WorkError `InvalidInput` naming the parameter. */
export function voddeleteInput(job: RecipeJob, defaults: StorageDefaults): VoddeleteInput {
  const parameters = parseParameters(VoddeleteParameters, job.parameters);
  const folder = parseFolder(parameters.folder, 'folder');
  return {
    jobId: job.id,
    tenant: job.tenant,
    contentId: parameters.content_id ?? null,
    storage: storageOf(parameters, defaults),
    folder: belowRoot(parameters.output_root, folder),
  };
}

/** What `asset_delete` is started with; the files themselves stay out of the history. */
export function assetDeleteInput(job: RecipeJob, defaults: StorageDefaults): AssetDeleteInput {
  const parameters = parseParameters(AssetDeleteParameters, job.parameters);
  return {
    jobId: job.id,
    tenant: job.tenant,
    contentId: parameters.content_id,
    storage: storageOf(parameters, defaults),
    fileCount: keysOf(parameters).length,
  };
}

/** The files of an `asset_delete`. */
export interface AssetDeleteFiles {
  /** As they were asked for. */
  readonly asked: readonly string[];
  /** Canonical keys below the root, each once, in the order in which they were asked for. */
  readonly keys: readonly string[];
}

/** The files that an `asset_delete` names, out of the job's parameters. Throws as its input does. */
export function assetDeleteFiles(parametersText: string): AssetDeleteFiles {
  const parameters = parseParameters(AssetDeleteParameters, parametersText);
  return { asked: parameters.files, keys: keysOf(parameters) };
}

const keysOf = (parameters: AssetDeleteParameters): readonly string[] => [
  ...new Set(
    parameters.files.map((path, at) =>
      belowRoot(parameters.output_root, parseFilePath(path, `files.${at}`)),
    ),
  ),
];

/** An asset is where it was published: below the output root, in the storage of results. */
const storageOf = (
  parameters: { readonly source_storage?: StorageKind | undefined },
  defaults: StorageDefaults,
): StorageKind => parameters.source_storage ?? defaults.destination ?? defaults.source;

const belowRoot = (outputRoot: string | undefined, key: string): string =>
  outputRoot === undefined || outputRoot === ''
    ? key
    : joinKey(parseFolder(outputRoot, 'output_root'), key);
