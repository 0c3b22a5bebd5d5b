import { execa } from 'execa';

/** Command lines of media tools that name this folder and are alive. */
export async function livingTools(folder: string): Promise<readonly string[]> {
  const { stdout } = await execa('ps', ['-eo', 'stat,args']);
  return stdout
    .split('\n')
    .filter((line) => !line.startsWith('Z') && line.includes(folder))
    .filter((line) => /ffmpeg|packager|ffprobe/.test(line));
}
