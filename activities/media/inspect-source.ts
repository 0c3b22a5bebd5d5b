import { join } from 'node:path';
import { WorkError } from '../../src/domain/failure.ts';
import {
  canonicalLanguage,
  languageOfName,
  UNDETERMINED,
} from '../../src/media/source/language.ts';
import { type SourceTrack, selectTracks } from '../../src/media/source/tracks.ts';
import { probeSource } from '../../src/media/source/verify.ts';
import { fillStage, readDocument, stageFolder, writeDocument } from '../scratch.ts';
import type { TaskCode } from '../task.ts';
import type { InspectSourceInput, InspectSourceResult } from './contract.ts';
import { DOCUMENTS, type Inspection, type SourceFile } from './documents.ts';

const count = (number: number, what: string): string =>
  `${number} ${what}${number === 1 ? '' : 's'}`;

const lengthOf = (tracks: readonly SourceTrack[], kind: SourceTrack['kind']): number =>
  Math.max(0, ...tracks.filter((one) => one.kind === kind).map((one) => one.durationSeconds));

/** Probes every fetched file whole and says which of its tracks the asset is made of. */
export function createInspectSource(deps: {
  readonly workRoot: string;
}): TaskCode<InspectSourceInput, InspectSourceResult> {
  return async (task, input) => {
    const folder = stageFolder(deps.workRoot, input.jobId, 'source');
    const files = await readDocument<readonly SourceFile[]>(folder, DOCUMENTS.files);
    const sources = [];
    for (const file of files.filter((one) => one.role === 'media')) {
      task.progress({ step: `reading ${file.originalName}` });
      const probed = await probeSource(
        { path: join(folder, file.stagedName), name: file.originalName },
        task.signal,
      );
      const embedded = probed.streams.filter((one) => one.kind === 'text').length;
      if (embedded > 0) {
        await task.note(
          'WARN',
          `${file.originalName} holds ${count(embedded, 'subtitle track')}, which ${embedded === 1 ? 'is' : 'are'} left out; give subtitles as .srt or .vtt files`,
        );
      }
      sources.push({ originalName: file.originalName, stagedName: file.stagedName, probed });
    }
    const tracks = selectTracks(sources, input);
    if (tracks.length === 0) {
      throw new WorkError('InvalidMedia', 'The sources hold neither video nor audio');
    }
    const durationSeconds = lengthOf(tracks, 'video') || lengthOf(tracks, 'audio');
    const inspection: Inspection = {
      durationSeconds: Math.round(durationSeconds * 1000) / 1000,
      tracks,
      captions: files
        .filter((one) => one.role === 'captions')
        .map((one) => ({
          originalName: one.originalName,
          stagedName: one.stagedName,
          language:
            canonicalLanguage(input.fileProperties[one.originalName]?.language) ??
            languageOfName(one.originalName) ??
            UNDETERMINED,
        })),
    };
    await fillStage(deps.workRoot, task, 'inspection', (target) =>
      writeDocument(target, DOCUMENTS.inspection, inspection),
    );
    const kinds = [
      count(tracks.filter((one) => one.kind === 'video').length, 'video track'),
      count(tracks.filter((one) => one.kind === 'audio').length, 'audio track'),
      count(inspection.captions.length, 'subtitle'),
    ];
    return {
      durationSeconds: inspection.durationSeconds,
      message: `${kinds.join(', ')}, ${inspection.durationSeconds.toFixed(3)} s`,
    };
  };
}
