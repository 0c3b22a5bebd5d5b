import { packageTracks } from '../../src/media/packager/package-tracks.ts';
import { fillStage, readDocument, stageFolder, writeDocument } from '../scratch.ts';
import type { TaskCode } from '../task.ts';
import type { PackageInput, PackageResult } from './contract.ts';
import { DOCUMENTS, type Inspection } from './documents.ts';

/** Packages the inspected tracks into CMAF, one file each, and checks that nothing is missing. */
export function createPackage(deps: {
  readonly workRoot: string;
}): TaskCode<PackageInput, PackageResult> {
  return async (task, { jobId }) => {
    const { tracks } = await readDocument<Inspection>(
      stageFolder(deps.workRoot, jobId, 'inspection'),
      DOCUMENTS.inspection,
    );
    const step = `packaging ${tracks.length} tracks`;
    task.progress({ step });
    return fillStage(deps.workRoot, task, 'tracks', async (folder) => {
      const packaged = await packageTracks({
        tracks,
        sourceFolder: stageFolder(deps.workRoot, jobId, 'source'),
        targetFolder: folder,
        signal: task.signal,
        onCommand: (command) => task.log.debug({ command }, 'running'),
        onProgress: (doneBytes) => task.progress({ step, doneBytes }),
      });
      await writeDocument(folder, DOCUMENTS.tracks, packaged);
      const segments = packaged.reduce((sum, one) => sum + one.segments.length, 0);
      return { message: `${packaged.length} tracks, ${segments} segments` };
    });
  };
}
