/**
 * Containers that are opened as a source. A playlist, a concat list or an image named `.mp4` would
 * make the demuxer open other files, another tenant's too.
 */
const FORMATS = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpeg,mpegts,avi,srt,webvtt';

/** Options before the first input, for ffmpeg and ffprobe alike. */
export const QUIET = ['-hide_banner', '-loglevel', 'error'] as const;

/** An input of ffmpeg or ffprobe: a local file of a known container and nothing else. */
export function buildInput(path: string): readonly string[] {
  return ['-protocol_whitelist', 'file', '-format_whitelist', FORMATS, '-i', `file:${path}`];
}
