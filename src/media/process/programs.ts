import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { WorkError } from '../../domain/failure.ts';

/** Programs of the system, found by PATH. */
export const FFMPEG = 'ffmpeg';
export const FFPROBE = 'ffprobe';

const PLATFORMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'osx', win32: 'win' };

/**
 * The packager binary that the npm package `shaka-packager` ships for this machine; the package names
 * no `bin`, so npm links none. Throws where it ships none.
 */
export function packagerProgram(): string {
  const platform = PLATFORMS[process.platform];
  if (platform === undefined || !['x64', 'arm64'].includes(process.arch)) {
    throw new WorkError(
      'ToolFailed',
      `No shaka-packager for ${process.platform} on ${process.arch}; run the worker on Linux x64 or arm64`,
    );
  }
  const folder = dirname(createRequire(import.meta.url).resolve('shaka-packager/package.json'));
  return join(folder, 'bin', `packager-${platform}-${process.arch}`);
}
