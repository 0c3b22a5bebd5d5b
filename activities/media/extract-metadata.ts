import { fillStage, readDocument, stageFolder, writeDocument } from '../scratch.ts';
import type { TaskCode } from '../task.ts';
import type { ExtractMetadataInput, ExtractMetadataResult } from './contract.ts';
import { DOCUMENTS, type Inspection, type SourceFile } from './documents.ts';

/** Writes the technical metadata of the sources as the JSON document that is published with the asset. */
export function createExtractMetadata(deps: {
  readonly workRoot: string;
}): TaskCode<ExtractMetadataInput, ExtractMetadataResult> {
  return async (task, { jobId, contentId }) => {
    const inspection = await readDocument<Inspection>(
      stageFolder(deps.workRoot, jobId, 'inspection'),
      DOCUMENTS.inspection,
    );
    const files = await readDocument<readonly SourceFile[]>(
      stageFolder(deps.workRoot, jobId, 'source'),
      DOCUMENTS.files,
    );
    const document = {
      content_id: contentId,
      job_id: jobId,
      duration: inspection.durationSeconds,
      sources: files.map((one) => ({ name: one.originalName, size: one.sizeBytes })),
      tracks: inspection.tracks.map((one) => ({
        type: one.kind,
        source: one.originalName,
        codec: one.codec,
        duration: Math.round(one.durationSeconds * 1000) / 1000,
        bit_rate: one.bitRate ?? null,
        ...(one.kind === 'video'
          ? {
              width: one.width,
              height: one.height,
              frame_rate: one.frameRate,
              frames: one.packets,
            }
          : { language: one.language, channels: one.channels, sample_rate: one.sampleRate }),
      })),
      text_tracks: inspection.captions.map((one) => ({
        source: one.originalName,
        language: one.language,
      })),
    };
    await fillStage(deps.workRoot, task, 'metadata', (folder) =>
      writeDocument(folder, DOCUMENTS.metadata, document),
    );
    return { message: `${inspection.durationSeconds.toFixed(3)} s` };
  };
}
