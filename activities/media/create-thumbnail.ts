import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkError } from '../../src/domain/failure.ts';
import { buildThumbnailArgs, frameRateOf } from '../../src/media/ffmpeg/thumbnail.ts';
import { FFMPEG } from '../../src/media/process/programs.ts';
import { runTool } from '../../src/media/process/run-tool.ts';
import { assertToolSucceeded } from '../../src/media/process/tool-error.ts';
import { fillStage, readDocument, stageFolder } from '../scratch.ts';
import type { TaskCode } from '../task.ts';
import type { CreateThumbnailInput, CreateThumbnailResult } from './contract.ts';
import { DOCUMENTS, type Inspection, STAGE_FILES } from './documents.ts';

const TIMEOUT_MS = 10 * 60 * 1000;

/** Takes one frame of the best video track as JPEG; an asset without video has no thumbnail. */
export function createCreateThumbnail(deps: {
  readonly workRoot: string;
}): TaskCode<CreateThumbnailInput, CreateThumbnailResult> {
  return async (task, { jobId, timeSeconds }) => {
    const inspection = await readDocument<Inspection>(
      stageFolder(deps.workRoot, jobId, 'inspection'),
      DOCUMENTS.inspection,
    );
    const video = inspection.tracks
      .filter((one) => one.kind === 'video')
      .sort((a, b) => (b.height ?? 0) - (a.height ?? 0))[0];
    if (video === undefined) {
      await task.note('WARN', 'The asset has no video, so no thumbnail was made');
      return { message: 'no video' };
    }
    const frameRate = frameRateOf(video.frameRate);
    const lastSeconds = Math.max(0, video.durationSeconds - 1 / frameRate);
    const isPastEnd = timeSeconds > lastSeconds;
    const atSeconds = isPastEnd ? lastSeconds : timeSeconds;
    if (isPastEnd) {
      await task.note(
        'WARN',
        `thumbnail_time ${timeSeconds} s is past the end (${video.durationSeconds.toFixed(3)} s); the last frame was taken`,
      );
    }
    return fillStage(deps.workRoot, task, 'thumbnail', async (folder) => {
      const target = join(folder, STAGE_FILES.thumbnail);
      const take = async (isLast: boolean): Promise<boolean> => {
        const result = await runTool({
          program: FFMPEG,
          args: buildThumbnailArgs({
            source: join(stageFolder(deps.workRoot, jobId, 'source'), video.stagedName),
            streamIndex: video.streamIndex,
            timeSeconds: atSeconds,
            frameRate,
            isLast,
            target,
          }),
          timeoutMs: TIMEOUT_MS,
          signal: task.signal,
          onCommand: (command) => task.log.debug({ command }, 'running'),
        });
        task.signal.throwIfAborted();
        assertToolSucceeded(result, 'taking a thumbnail');
        return hasBytes(target);
      };
      // video may end before its file says so; ffmpeg then writes nothing and ends with exit code 0
      if (!(await take(false)) && !(await take(true))) {
        throw new WorkError('ToolFailed', `ffmpeg found no frame at ${atSeconds.toFixed(3)} s`);
      }
      return { message: `frame at ${atSeconds.toFixed(3)} s` };
    });
  };
}

const hasBytes = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.size > 0,
    () => false,
  );
