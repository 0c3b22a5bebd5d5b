import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { packagerProgram } from '../../src/media/process/programs.ts';
import { takeLock } from '../lock-file.ts';
import type { Progress } from '../progress.ts';
import { runCommand } from '../run-command.ts';
import { SetupError } from './error.ts';

const INSTALL = 'apt-get update && apt-get install -y --no-install-recommends ffmpeg';
const LOCK_WAIT_MS = 10 * 60 * 1000;

/** Finds ffmpeg and ffprobe, or installs them as root on a Debian-like system. */
export async function ensureFfmpeg(config: Config, progress: Progress): Promise<void> {
  if (await hasFfmpeg(progress)) return;
  const hasApt = existsSync('/usr/bin/apt-get');
  if (process.getuid?.() !== 0 || !hasApt) {
    const command = hasApt
      ? `sudo sh -c '${INSTALL}'`
      : 'by your package manager (macOS: brew install ffmpeg)';
    throw new SetupError(`ffmpeg and ffprobe are missing. Install them: ${command}`);
  }
  const release = await takeLock(join(config.cacheDir, 'ffmpeg.lock'), {
    waitMs: LOCK_WAIT_MS,
    onWait: (holder) =>
      progress.line(`ffmpeg: waiting for process ${holder.pid}, which is installing it`),
  });
  try {
    if (await hasFfmpeg(progress)) return;
    const end = await progress.slow('ffmpeg: installing by apt-get (20 s to 2 minutes)', (note) =>
      runCommand('sh', ['-c', INSTALL], {
        env: { DEBIAN_FRONTEND: 'noninteractive' },
        onLine: note,
      }),
    );
    if (!end.isOk) {
      throw new SetupError(
        `ffmpeg could not be installed: ${end.reason}\nWhen the package servers can be reached: ${INSTALL}`,
      );
    }
    if (!(await hasFfmpeg(progress)))
      throw new SetupError('ffmpeg is not on PATH after its installation');
  } finally {
    await release();
  }
}

async function hasFfmpeg(progress: Progress): Promise<boolean> {
  const [ffmpeg, ffprobe] = await Promise.all([
    runCommand('ffmpeg', ['-version']),
    runCommand('ffprobe', ['-version']),
  ]);
  if (!ffmpeg.isOk || !ffprobe.isOk) return false;
  progress.line(`ffmpeg: ${/version (\S+)/.exec(ffmpeg.output)?.[1] ?? 'found'}`);
  return true;
}

/** Says where the packager is, or what is wrong with it. */
export async function ensurePackager(progress: Progress): Promise<void> {
  const end = await runCommand(packagerProgram(), ['--version']);
  if (!end.isOk) {
    throw new SetupError(`shaka-packager does not run here: ${end.reason}. Run npm ci again`);
  }
  progress.line(`shaka-packager: ${/v?\d+\.\d+\.\d+/.exec(end.output)?.[0] ?? 'found'}`);
}
