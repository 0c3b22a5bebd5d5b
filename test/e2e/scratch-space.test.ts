import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeClip } from '../helpers/clips.ts';
import { type JobAnswer, TestEngine, until } from '../helpers/engine.ts';
import { livingTools } from '../helpers/living-tools.ts';
import { canMount, mountSmallDisk, type SmallDisk } from '../helpers/small-disk.ts';

const MIB = 2 ** 20;
const SMALL_JOBS = 6;

const isMounting = await canMount();

// where nothing may be mounted, a limit of the same size stands for the disk
describe('scratch of 64 MB', () => {
  let engine: TestEngine;
  let disk: SmallDisk | undefined;
  let workRoot: string;

  beforeAll(async () => {
    workRoot = await mkdtemp(join(tmpdir(), 'task-engine-disk-'));
    if (isMounting) disk = await mountSmallDisk(workRoot, 64 * MIB);
    const limit = { SCRATCH_HOST_LIMIT_BYTES: String(64 * MIB) };
    engine = await TestEngine.create({
      variables: { WORK_ROOT: workRoot, ...(isMounting ? {} : limit) },
    });
    for (const [name, setting] of Object.entries({ retry_delay: 1, retry_limit: 20 })) {
      await engine.request('/settings', {
        method: 'POST',
        body: JSON.stringify({ name, setting }),
      });
    }
    const small = join(engine.folder, 'input', 'other', 'small');
    await mkdir(small, { recursive: true });
    await makeClip(join(small, 'small.mp4'), 4);
  });

  afterAll(async () => {
    await engine?.stop();
    await disk?.remove();
    await rm(workRoot, { recursive: true, force: true });
  });

  /** Puts a source of about this length into a folder of the tenant. */
  const putSource = async (name: string, megabytes: number): Promise<number> => {
    const path = join(await engine.sourceFolder(name), `${name}.mp4`);
    const rate = ['-b:v', '8M', '-minrate', '8M', '-maxrate', '8M', '-bufsize', '8M'];
    await makeClip(path, megabytes, ...rate, '-nal-hrd', 'cbr');
    return (await stat(path)).size;
  };

  const submit = (name: string, more: Readonly<Record<string, unknown>> = {}): Promise<number> =>
    engine.submit({
      content_id: name,
      source_folder: name,
      output_folder: `out/${name}`,
      source_storage: 'local',
      destination_storage: 'local',
      ...more,
    });

  const other = async (path: string, options: RequestInit = {}): Promise<JobAnswer> => {
    const headers = { client: 'other', 'api-key': 'other-secret-1' };
    const response = await fetch(`${engine.apiUrl}${path}`, {
      ...options,
      headers: { ...headers, 'content-type': 'application/json' },
    });
    return (await response.json()) as JobAnswer;
  };

  const submitSmall = async (at: number): Promise<number> => {
    const parameters = {
      content_id: `small${at}`,
      source_folder: 'small',
      output_folder: `out/${at}`,
      source_storage: 'local',
      destination_storage: 'local',
    };
    const body = JSON.stringify({ job: { workflow: 'vodstream' }, parameters });
    return Number((await other('/job', { method: 'POST', body }))['id']);
  };

  const jobFolders = async (): Promise<readonly string[]> =>
    (await readdir(workRoot)).filter((name) => name.startsWith('job-'));

  const messagesOf = async (jobId: number): Promise<readonly string[]> => {
    const rows = (await (await engine.request(`/logs/${jobId}`)).json()) as readonly {
      readonly message: string;
    }[];
    return rows.map((row) => row.message);
  };

  test('a job too big for it fails at once and says why, small ones of another tenant are not touched', async () => {
    await putSource('big', 25);
    const bigJob = await submit('big', { generate_mp4: true });
    const smallJobs = [];
    for (let at = 0; at < SMALL_JOBS; at++) smallJobs.push(await submitSmall(at));
    const big = await engine.untilEnded(bigJob, 30);
    expect(big).toMatchObject({ queue_state: 'completed', failed: true });
    expect(big['message']).toMatch(
      isMounting
        ? /^No space for this job: it needs about 1\d\d\.\d MB of scratch, the whole disk has 67\.1 MB, of which 3\.4 MB are kept in reserve$/
        : /^No space for this job: it needs about 1\d\d\.\d MB of scratch, all jobs together may use 67\.1 MB$/,
    );
    expect((await messagesOf(bigJob)).join('\n')).not.toContain('trying again');
    for (const jobId of smallJobs) {
      const job = await until(
        async () => {
          const found = await other(`/jobs/${jobId}`);
          return found['ended_at'] === null ? undefined : found;
        },
        60,
        `small job ${jobId}`,
      );
      expect(job).toMatchObject({ queue_state: 'completed', failed: false });
    }
    expect(await jobFolders()).toEqual([]);
    expect(await livingTools(workRoot)).toEqual([]);
  });

  test.skipIf(!isMounting)(
    'a job that only lacks room for now waits by its retries and goes on when there is some (needs the right to mount a disk)',
    async () => {
      await putSource('medium', 14);
      const ballast = join(workRoot, 'ballast');
      await writeFile(ballast, Buffer.alloc(25 * MIB, 1));
      const jobId = await submit('medium');
      const refusal = await until(
        async () => (await messagesOf(jobId)).find((one) => one.includes('trying again')),
        30,
        'the refusal',
      );
      expect(refusal).toMatch(
        /^No space for this job: it needs about \d\d\.\d MB of scratch, \d\d\.\d MB are free \(3\.4 MB are kept in reserve, 0 bytes are promised to other jobs\); trying again in 1 s/,
      );
      await rm(ballast);
      expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
      expect(await jobFolders()).toEqual([]);
    },
  );
});
