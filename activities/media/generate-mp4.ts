import { join } from 'node:path';
import { WorkError } from '../../src/domain/failure.ts';
import { buildMp4Args } from '../../src/media/ffmpeg/mp4.ts';
import { probe } from '../../src/media/ffmpeg/probe.ts';
import { createProgressParser } from '../../src/media/ffmpeg/progress.ts';
import { FFMPEG } from '../../src/media/process/programs.ts';
import { runTool } from '../../src/media/process/run-tool.ts';
import { assertToolSucceeded } from '../../src/media/process/tool-error.ts';
import type { SourceTrack } from '../../src/media/source/tracks.ts';
import { fillStage, readDocument, stageFolder } from '../scratch.ts';
import type { TaskCode } from '../task.ts';
import type { GenerateMp4Input, GenerateMp4Result } from './contract.ts';
import { DOCUMENTS, type Inspection, STAGE_FILES } from './documents.ts';

const TIMEOUT_MS = 24 * 60 * 60 * 1000;

/** ffmpeg writes nothing for this long only when it is stuck; it tells its progress twice a second. */
const STALL_MS = 60_000;

const best = (tracks: readonly SourceTrack[]): readonly SourceTrack[] =>
  [...tracks]
    .sort((a, b) => (b.height ?? 0) - (a.height ?? 0) || (b.bitRate ?? 0) - (a.bitRate ?? 0))
    .slice(0, 1);

/** The tracks of an MP4: the best video, or all of it for a mezzanine, and the best audio. */
export function selectMp4Tracks(
  tracks: readonly SourceTrack[],
  mezzanine: boolean,
): readonly SourceTrack[] {
  const video = tracks.filter((one) => one.kind === 'video');
  const audio = tracks.filter((one) => one.kind === 'audio');
  return [...(mezzanine ? video : best(video)), ...best(audio)];
}

/** Copies tracks into one MP4 that plays while it loads, and checks that every packet is in it. */
export function createGenerateMp4(deps: {
  readonly workRoot: string;
}): TaskCode<GenerateMp4Input, GenerateMp4Result> {
  return async (task, { jobId, mezzanine }) => {
    const inspection = await readDocument<Inspection>(
      stageFolder(deps.workRoot, jobId, 'inspection'),
      DOCUMENTS.inspection,
    );
    const tracks = selectMp4Tracks(inspection.tracks, mezzanine);
    const sourceFolder = stageFolder(deps.workRoot, jobId, 'source');
    return fillStage(deps.workRoot, task, 'mp4', async (folder) => {
      const target = join(folder, STAGE_FILES.mp4);
      const result = await runTool({
        program: FFMPEG,
        args: buildMp4Args(
          tracks.map((one) => ({
            source: join(sourceFolder, one.stagedName),
            streamIndex: one.streamIndex,
            kind: one.kind,
            language: one.containerLanguage,
          })),
          target,
        ),
        timeoutMs: TIMEOUT_MS,
        stallMs: STALL_MS,
        signal: task.signal,
        onLine: createProgressParser(({ outTimeSeconds }) =>
          task.progress({
            step: 'writing the MP4',
            doneRatio: Math.min(1, outTimeSeconds / inspection.durationSeconds),
          }),
        ),
        onCommand: (command) => task.log.debug({ command }, 'running'),
      });
      task.signal.throwIfAborted();
      assertToolSucceeded(result, 'writing the MP4');
      const written = await probe(target, { isCounting: true, signal: task.signal });
      for (const [at, track] of tracks.entries()) {
        const packets = written.streams[at]?.packets ?? 0;
        if (packets !== track.packets) {
          throw new WorkError(
            'ToolFailed',
            `The MP4 has ${packets} packets of the ${track.kind} of ${track.originalName}, its source ${track.packets}`,
          );
        }
      }
      return { message: `${tracks.length} tracks` };
    });
  };
}
