import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

/** The project's root. */
export const ROOT = join(import.meta.dirname, '..', '..');

const CONFIGURATION = [
  'package.json',
  'tsconfig.json',
  'tsconfig.base.json',
  'workflows/tsconfig.json',
  'biome.json',
  'knip.json',
  '.oxlintrc.json',
  '.dependency-cruiser.mjs',
];

/** A folder with the project's configuration, in which breaches are planted without anybody else seeing them. */
export interface PlantedTree {
  readonly folder: string;
  /** Writes a file, and the folders above it. */
  plant(path: string, text: string): Promise<void>;
  /** Runs one of the project's tools in the folder; never throws for its exit code. */
  run(tool: string, ...args: readonly string[]): Promise<{ exitCode: number; output: string }>;
  remove(): Promise<void>;
}

/** A fresh tree: the configuration alone, and the named parts of the project. */
export async function createPlantedTree(parts: readonly string[] = []): Promise<PlantedTree> {
  // below the project, so that packages resolve to the same files as in the project
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'dist', 'guards-'));
  for (const part of [...CONFIGURATION, ...parts]) {
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  // Biome and knip read .gitignore of the repository around them, which leaves out dist/
  await execa('git', ['init', '-q'], { cwd: folder });
  return {
    folder,
    async plant(path, text) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    },
    async run(tool, ...args) {
      const {
        exitCode = 1,
        stdout,
        stderr,
      } = await execa(join(ROOT, 'node_modules', '.bin', tool), args, {
        cwd: folder,
        reject: false,
        maxBuffer: 1e8,
      });
      return { exitCode, output: `${stdout}${stdout === '' ? stderr : ''}` };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
