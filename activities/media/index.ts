import { createCreateThumbnail } from './create-thumbnail.ts';
import { createExtractMetadata } from './extract-metadata.ts';
import { createGenerateMp4 } from './generate-mp4.ts';
import { createInspectSource } from './inspect-source.ts';
import { createPackage } from './package.ts';
import { createPrepareCaptions } from './prepare-captions.ts';

/** The tasks that work on media in a job's scratch folder, by the names of `src/domain/tasks.ts`. */
export function createMediaTasks(deps: { readonly workRoot: string }) {
  return {
    inspectSource: createInspectSource(deps),
    prepareCaptions: createPrepareCaptions(deps),
    package: createPackage(deps),
    createThumbnail: createCreateThumbnail(deps),
    generateMp4: createGenerateMp4(deps),
    extractMetadata: createExtractMetadata(deps),
  };
}
