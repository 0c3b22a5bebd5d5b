import { CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { TaskActivities } from '../activities/contract.ts';
import type { VodstreamInput } from '../src/contract/recipe-input.ts';
import { encode, quick, transfer } from './cost-classes.ts';

const { fetchSource, publish, deleteSource, cleanup } = proxyActivities<TaskActivities>(transfer);
const { inspectSource, prepareCaptions, createThumbnail, extractMetadata } =
  proxyActivities<TaskActivities>(quick);
const tasks = proxyActivities<TaskActivities>(encode);

/**
 * Packages a folder of source files as a VOD asset: HLS and DASH over one set of CMAF files. The
 * asset appears whole, by its manifests, or not at all; scratch files go on every end.
 */
export async function vodstream(input: VodstreamInput): Promise<void> {
  const { jobId, tenant } = input;
  try {
    const source = { jobId, tenant, storage: input.sourceStorage, folder: input.sourceFolder };
    await fetchSource({
      ...source,
      asset: input.asset,
      retries: input.retries,
      makesMp4: input.generateMp4,
      destination: { storage: input.destinationStorage, folder: input.outputFolder },
    });
    const { durationSeconds } = await inspectSource({
      jobId,
      allAudioTracks: input.allAudioTracks,
      fileProperties: input.fileProperties,
    });
    await allOrCancel([
      () => prepareCaptions({ jobId }),
      () => tasks.package({ jobId }),
      () =>
        input.createThumbnail
          ? createThumbnail({ jobId, timeSeconds: input.thumbnailTimeSeconds })
          : undefined,
      () =>
        input.generateMp4 ? tasks.generateMp4({ jobId, mezzanine: input.mezzanine }) : undefined,
      () => extractMetadata({ jobId, contentId: input.contentId }),
    ]);
    await publish({
      jobId,
      tenant,
      storage: input.destinationStorage,
      sourceStorage: input.sourceStorage,
      sourceFolder: input.sourceFolder,
      folder: input.outputFolder,
      asset: input.asset,
      mp4Filename: input.generateMp4 ? input.mp4Filename : null,
      durationSeconds,
      emptyTarget: input.emptyTarget,
    });
    if (input.deleteSource) await deleteSource(source);
  } finally {
    await CancellationScope.nonCancellable(() => cleanup({ jobId }));
  }
}

/**
 * Runs steps side by side. When one fails the others are cancelled and waited for, so that none is
 * still at work, or still telling callbacks, when that failure goes on.
 */
async function allOrCancel(steps: readonly (() => Promise<unknown> | undefined)[]): Promise<void> {
  const scope = new CancellationScope({ cancellable: true });
  // in the order of time: the first failed by itself, the others were cancelled for it
  const failures: unknown[] = [];
  await scope.run(() =>
    Promise.all(
      steps.map(async (step) => {
        try {
          await step();
        } catch (error) {
          failures.push(error);
          scope.cancel();
        }
      }),
    ),
  );
  if (failures.length > 0) throw failures[0];
}
