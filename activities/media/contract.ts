/** What a client says of a file whose name does not (contract §7, `file_properties`). */
export interface FileProperties {
  readonly kind?: string;
  readonly language?: string;
}

export interface InspectSourceInput {
  readonly jobId: number;
  /** False: only the best audio track of each language. */
  readonly allAudioTracks: boolean;
  readonly fileProperties: Readonly<Record<string, FileProperties>>;
}

export interface InspectSourceResult {
  readonly durationSeconds: number;
  readonly message: string;
}

export interface PrepareCaptionsInput {
  readonly jobId: number;
}

export interface PrepareCaptionsResult {
  readonly message: string;
}

export interface PackageInput {
  readonly jobId: number;
}

export interface PackageResult {
  readonly message: string;
}

export interface CreateThumbnailInput {
  readonly jobId: number;
  /** Where in the content; past its end means its last frame. */
  readonly timeSeconds: number;
}

export interface CreateThumbnailResult {
  readonly message: string;
}

export interface GenerateMp4Input {
  readonly jobId: number;
  /** False: the best audio and video only; true: all video tracks. */
  readonly mezzanine: boolean;
}

export interface GenerateMp4Result {
  readonly message: string;
}

export interface ExtractMetadataInput {
  readonly jobId: number;
  readonly contentId: string | null;
}

export interface ExtractMetadataResult {
  readonly message: string;
}
