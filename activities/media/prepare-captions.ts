import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkError } from '../../src/domain/failure.ts';
import type { CaptionTrack } from '../../src/media/packager/packaged-track.ts';
import { CaptionsError, type Cue } from '../../src/media/webvtt/cue.ts';
import { assertCaptionSize, decodeCaptions } from '../../src/media/webvtt/decode.ts';
import { parseSrt } from '../../src/media/webvtt/parse-srt.ts';
import { parseVtt } from '../../src/media/webvtt/parse-vtt.ts';
import { buildWebVtt } from '../../src/media/webvtt/write-vtt.ts';
import { fillStage, readDocument, stageFolder, writeDocument } from '../scratch.ts';
import type { TaskCode } from '../task.ts';
import type { PrepareCaptionsInput, PrepareCaptionsResult } from './contract.ts';
import { type CaptionSource, DOCUMENTS, type Inspection } from './documents.ts';

async function readCues(folder: string, source: CaptionSource): Promise<readonly Cue[]> {
  const path = join(folder, source.stagedName);
  try {
    assertCaptionSize((await stat(path)).size);
    const text = decodeCaptions(await readFile(path));
    return source.stagedName.endsWith('.srt') ? parseSrt(text) : parseVtt(text);
  } catch (error) {
    if (!(error instanceof CaptionsError)) throw error;
    throw new WorkError('InvalidMedia', `${source.originalName}: ${error.message}`, {
      cause: error,
    });
  }
}

/** Turns SRT and WebVTT sources into clean WebVTT, one file for the whole length. */
export function createPrepareCaptions(deps: {
  readonly workRoot: string;
}): TaskCode<PrepareCaptionsInput, PrepareCaptionsResult> {
  return async (task, { jobId }) => {
    const sourceFolder = stageFolder(deps.workRoot, jobId, 'source');
    const inspection = await readDocument<Inspection>(
      stageFolder(deps.workRoot, jobId, 'inspection'),
      DOCUMENTS.inspection,
    );
    return fillStage(deps.workRoot, task, 'captions', async (folder) => {
      const tracks: CaptionTrack[] = [];
      for (const source of inspection.captions) {
        const cues = await readCues(sourceFolder, source);
        const text = buildWebVtt(cues);
        const fileName = `text_${tracks.length + 1}.vtt`;
        await writeFile(join(folder, fileName), text);
        tracks.push({
          fileName,
          originalName: source.originalName,
          language: source.language,
          cues: cues.length,
          sizeBytes: Buffer.byteLength(text),
        });
      }
      await writeDocument(folder, DOCUMENTS.captions, tracks);
      const each = tracks.map((one) => `${one.language} (${one.cues} cues)`);
      return { message: each.length === 0 ? 'no subtitles' : each.join(', ') };
    });
  };
}
