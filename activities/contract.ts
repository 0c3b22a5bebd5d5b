import type {
  CleanupInput,
  CleanupResult,
  DeleteAssetInput,
  DeleteAssetResult,
  DeleteFilesInput,
  DeleteFilesResult,
  DeleteSourceInput,
  DeleteSourceResult,
  FetchSourceInput,
  FetchSourceResult,
  PublishInput,
  PublishResult,
  RestorePublicationInput,
  RestorePublicationResult,
} from './files/contract.ts';
import type {
  CreateThumbnailInput,
  CreateThumbnailResult,
  ExtractMetadataInput,
  ExtractMetadataResult,
  GenerateMp4Input,
  GenerateMp4Result,
  InspectSourceInput,
  InspectSourceResult,
  PackageInput,
  PackageResult,
  PrepareCaptionsInput,
  PrepareCaptionsResult,
} from './media/contract.ts';

/**
 * The tasks as recipes see them. Types alone, with nothing of Node behind them: through this file the
 * compiler must not learn Node's globals when it checks workflow code.
 */
export interface TaskActivities {
  fetchSource(input: FetchSourceInput): Promise<FetchSourceResult>;
  inspectSource(input: InspectSourceInput): Promise<InspectSourceResult>;
  prepareCaptions(input: PrepareCaptionsInput): Promise<PrepareCaptionsResult>;
  package(input: PackageInput): Promise<PackageResult>;
  createThumbnail(input: CreateThumbnailInput): Promise<CreateThumbnailResult>;
  generateMp4(input: GenerateMp4Input): Promise<GenerateMp4Result>;
  extractMetadata(input: ExtractMetadataInput): Promise<ExtractMetadataResult>;
  publish(input: PublishInput): Promise<PublishResult>;
  deleteSource(input: DeleteSourceInput): Promise<DeleteSourceResult>;
  deleteAsset(input: DeleteAssetInput): Promise<DeleteAssetResult>;
  deleteFiles(input: DeleteFilesInput): Promise<DeleteFilesResult>;
  restorePublication(input: RestorePublicationInput): Promise<RestorePublicationResult>;
  cleanup(input: CleanupInput): Promise<CleanupResult>;
}
