import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../run-command.ts';
import { SetupError } from '../setup/error.ts';

const SECONDS = 20;

/** Arguments of ffmpeg for a clip whose frames are numbered and whose audio tracks differ in pitch. */
export function buildClipArgs(folder: string, withText: boolean): string[] {
  const number =
    "drawtext=text='%{frame_num}':fontsize=96:fontcolor=white:box=1:boxcolor=black@0.6:x=40:y=40";
  return [
    '-hide_banner',
    '-loglevel',
    'error',
    '-nostdin',
    '-y',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=1280x720:rate=25:duration=${SECONDS}`,
    '-f',
    'lavfi',
    '-i',
    `sine=frequency=440:sample_rate=48000:duration=${SECONDS}`,
    '-f',
    'lavfi',
    '-i',
    `sine=frequency=880:sample_rate=48000:duration=${SECONDS}`,
    '-map',
    '0:v',
    '-map',
    '1:a',
    ...(withText ? ['-vf', number] : []),
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-pix_fmt',
    'yuv420p',
    '-g',
    '50',
    '-keyint_min',
    '50',
    '-sc_threshold',
    '0',
    '-b:v',
    '1500k',
    '-c:a',
    'aac',
    '-b:a',
    '96k',
    '-metadata:s:a:0',
    'language=eng',
    '-t',
    String(SECONDS),
    join(folder, 'clip_en.mp4'),
    '-map',
    '2:a',
    '-c:a',
    'aac',
    '-b:a',
    '96k',
    '-metadata:s:a:0',
    'language=spa',
    '-t',
    String(SECONDS),
    join(folder, 'clip_es.m4a'),
  ];
}

const stamp = (seconds: number): string => `00:00:${String(seconds).padStart(2, '0')},000`;

/** Subtitles that say the second they are shown at. */
export function buildSubtitles(): string {
  return Array.from({ length: SECONDS / 2 }, (_, at) => {
    const start = at * 2;
    return `${at + 1}\n${stamp(start)} --> ${stamp(start + 2)}\nSecond ${start}\n`;
  }).join('\n');
}

/** Makes the demo's source folder: numbered frames, two audio languages, one subtitle. */
export async function makeClip(folder: string): Promise<void> {
  let end = await runCommand('ffmpeg', buildClipArgs(folder, true), { timeoutMs: 120_000 });
  // drawtext needs a font; the test picture has a running time of its own
  if (!end.isOk)
    end = await runCommand('ffmpeg', buildClipArgs(folder, false), { timeoutMs: 120_000 });
  if (!end.isOk) throw new SetupError(`The demo clip could not be made: ${end.reason}`);
  await writeFile(join(folder, 'clip_en.srt'), buildSubtitles());
}
