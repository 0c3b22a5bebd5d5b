import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFetchSource } from '../../../activities/files/fetch/fetch-source.ts';
import { packagingNeedBytes } from '../../../activities/files/fetch/scratch-need.ts';
import { createMediaTasks } from '../../../activities/media/index.ts';
import { jobScratch, stageFolder } from '../../../activities/scratch.ts';
import { measureJob } from '../../../activities/space/measure.ts';
import { makeClip } from '../../helpers/clips.ts';
import { canMount, mountSmallDisk, type SmallDisk } from '../../helpers/small-disk.ts';
import { Scene, TestTask } from '../files/scene.ts';

const MB = 1_000_000;
const JOB = 7;

let scene: Scene;
let sourceBytes: number;

/** Puts a clip into the tenant's folder, fetches it into scratch and inspects it. */
async function stageClip(name: string): Promise<ReturnType<typeof createMediaTasks>> {
  const path = await scene.putSource(`film/${name}`, '');
  // 4 Mb/s: large beside what the tools write besides it
  await makeClip(path, 12, '-b:v', '4M', '-minrate', '4M', '-bufsize', '4M');
  sourceBytes = (await stat(path)).size;
  const fetched = { jobId: JOB, tenant: 'acme', storage: 'local', retries: 0 } as const;
  const task = new TestTask(JOB);
  await createFetchSource(scene.deps)(task, { ...fetched, folder: 'film', asset: 'film' });
  const media = createMediaTasks(scene.deps);
  await media.inspectSource(task, { jobId: JOB, allAudioTracks: true, fileProperties: {} });
  return media;
}

beforeEach(async () => {
  scene = await Scene.create();
});

test.each(['clip.mp4', 'clip.mkv', 'clip.mov'])(
  'packaging %s with an MP4 takes no more than it was promised, and more than half of it',
  async (name) => {
    const media = await stageClip(name);
    let peakBytes = 0;
    const sampler = setInterval(() => {
      void measureJob(scene.workRoot, JOB).then(({ usedBytes }) => {
        peakBytes = Math.max(peakBytes, usedBytes);
      });
    }, 5);
    const task = new TestTask(JOB);
    await media.generateMp4(task, { jobId: JOB, mezzanine: false });
    await media.package(task, { jobId: JOB });
    clearInterval(sampler);
    const extension = name.slice(-3);
    const promised = packagingNeedBytes([{ role: 'media', extension, sizeBytes: sourceBytes }], {
      makesMp4: true,
    });
    expect(peakBytes).toBeLessThanOrEqual(promised);
    expect(peakBytes).toBeGreaterThan(promised * 0.5);
    await scene.remove();
  },
);

describe.skipIf(!(await canMount()))('a full disk (needs the right to mount a tmpfs)', () => {
  let disk: SmallDisk;

  beforeEach(async () => {
    disk = await mountSmallDisk(scene.workRoot, 100 * MB);
  });

  afterEach(async () => {
    await disk.remove();
    await scene.remove();
  });

  /** Leaves so much room beside what there is. */
  const leaveRoom = async (roomBytes: number): Promise<void> => {
    const { usedBytes } = await measureJob(scene.workRoot, JOB);
    // what the tmpfs itself needs for its names
    await disk.resize(usedBytes + Math.max(0, roomBytes) + 65_536);
  };

  const stages = async (): Promise<readonly string[]> =>
    (await readdir(jobScratch(scene.workRoot, JOB))).sort();

  test.each([0, 0.5, 0.95, 1.2, 1.9])(
    'is told as no space, not as bad media, when the packager meets it after %s times the source',
    async (share) => {
      const media = await stageClip('clip.mp4');
      await leaveRoom(share * sourceBytes);
      const failure = await media
        .package(new TestTask(JOB), { jobId: JOB })
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({
        type: 'NoSpace',
        isTerminal: false,
        message: 'No space for this job: the disk of its scratch files was full while packaging',
      });
      expect(await stages()).toEqual(['inspection', 'source']);
    },
  );

  test('is told as no space at whatever byte of an MP4 it comes, also where ffmpeg ends with 0', async () => {
    const media = await stageClip('clip.mp4');
    const make = () => media.generateMp4(new TestTask(JOB), { jobId: JOB, mezzanine: false });
    await make();
    const made = stageFolder(scene.workRoot, JOB, 'mp4');
    const { size } = await stat(join(made, 'asset.mp4'));
    const ends = new Set<string>();
    for (const lacking of [size, 300_000, 120_000, 100_000, 80_000, 72_000, 68_000, 64_000]) {
      // the former MP4 stays until the new one is whole
      await leaveRoom(size - lacking);
      const end = await make().then(
        () => 'made',
        (error: unknown) => (error as { readonly type?: string }).type ?? String(error),
      );
      ends.add(end);
      expect(await stages()).toEqual(['inspection', 'mp4', 'source']);
    }
    expect([...ends].sort()).toEqual(['NoSpace', 'made']);
  });
});
