import { copyFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PlayerServer, startPlayer } from '../../dev/demo/player.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { makeLanguageFolder, realClip } from '../helpers/clips.ts';
import { TestEngine } from '../helpers/engine.ts';

const require = createRequire(import.meta.url);
const SHAKA = require.resolve('shaka-player/dist/shaka-player.compiled.js');
const HLS = require.resolve('hls.js/dist/hls.js');

/** What a player says of what it plays. */
interface Played {
  readonly seconds: number;
  readonly frames: number;
  readonly errors: readonly string[];
  readonly languages: readonly string[];
  readonly texts: readonly string[];
  readonly playing: string;
  readonly cues: readonly { readonly start: number; readonly text: string }[];
  readonly duration: number;
}

let engine: TestEngine;
let browser: Browser;
let player: PlayerServer;

beforeAll(async () => {
  engine = await TestEngine.create();
  browser = await launchBrowser();
  await makeLanguageFolder(await engine.sourceFolder('movie'), 20);
  await copyFile(realClip(), `${await engine.sourceFolder('bunny')}/bunny.mp4`);
  for (const name of ['movie', 'bunny']) {
    const jobId = await engine.submit({
      content_id: name,
      source_folder: name,
      output_folder: name,
    });
    expect(await engine.untilEnded(jobId)).toMatchObject({ failed: false });
  }
  player = await startPlayer(engine.outputFolder(''));
});

afterAll(async () => {
  await player?.close();
  await browser?.close();
  await engine?.stop();
});

async function openPage(script: string): Promise<{ page: Page; base: string }> {
  const page = await browser.newPage();
  const base = new URL(player.pageUrl('x')).origin;
  await page.goto(`${base}/player/controls.css`);
  await page.setContent('<video width="640" height="360" muted></video>');
  await page.addScriptTag({ path: script });
  return { page, base };
}

async function playByShaka(manifest: string): Promise<Played> {
  const { page, base } = await openPage(SHAKA);
  try {
    return await page.evaluate(async (url) => {
      const { shaka } = globalThis as any;
      const video = (globalThis as any).document.querySelector('video');
      const engineOf = new shaka.Player();
      await engineOf.attach(video);
      const errors: string[] = [];
      engineOf.addEventListener('error', (event: { detail: { code: number } }) =>
        errors.push(String(event.detail.code)),
      );
      await engineOf.load(url);
      const audio = engineOf.getAudioTracks();
      const texts = engineOf.getTextTracks().map((one: { language: string }) => one.language);
      const spanish = audio.find((one: { language: string }) => one.language === 'es');
      if (spanish !== undefined) engineOf.selectAudioTrack(spanish);
      const [text] = engineOf.getTextTracks();
      if (text !== undefined) {
        engineOf.selectTextTrack(text);
        engineOf.setTextTrackVisibility?.(true);
      }
      await video.play();
      await new Promise((resolve) => setTimeout(resolve, 4000));
      const playing =
        engineOf.getAudioTracks().find((one: { active: boolean }) => one.active)?.language ?? '';
      const cues = [...video.textTracks].flatMap((one) =>
        [...(one.cues ?? [])].map((cue) => ({ start: cue.startTime, text: cue.text })),
      );
      return {
        seconds: video.currentTime,
        frames: video.getVideoPlaybackQuality().totalVideoFrames,
        errors,
        languages: audio.map((one: { language: string }) => one.language),
        texts,
        playing,
        cues,
        duration: video.duration,
      };
    }, `${base}/media/${manifest}`);
  } finally {
    await page.close();
  }
}

async function playByHlsJs(manifest: string): Promise<Played> {
  const { page, base } = await openPage(HLS);
  try {
    return await page.evaluate(async (url) => {
      const { Hls, document } = globalThis as any;
      const video = document.querySelector('video');
      const hls = new Hls();
      const errors: string[] = [];
      hls.on(Hls.Events.ERROR, (_: unknown, data: { fatal: boolean; details: string }) => {
        if (data.fatal) errors.push(data.details);
      });
      const parsed = new Promise((resolve) => hls.on(Hls.Events.MANIFEST_PARSED, resolve));
      hls.loadSource(url);
      hls.attachMedia(video);
      await parsed;
      await video.play();
      await new Promise((resolve) => setTimeout(resolve, 500));
      const spanish = hls.audioTracks.findIndex((one: { lang: string }) => one.lang === 'es');
      if (spanish >= 0) hls.audioTrack = spanish;
      if (hls.subtitleTracks.length > 0) {
        hls.subtitleTrack = 0;
        hls.subtitleDisplay = true;
      }
      await new Promise((resolve) => setTimeout(resolve, 4000));
      const cues = [...video.textTracks].flatMap((one) =>
        [...(one.cues ?? [])].map((cue) => ({ start: cue.startTime, text: cue.text })),
      );
      return {
        seconds: video.currentTime,
        frames: video.getVideoPlaybackQuality().totalVideoFrames,
        errors,
        languages: hls.audioTracks.map((one: { lang: string }) => one.lang),
        texts: hls.subtitleTracks.map((one: { lang: string }) => one.lang),
        playing: hls.audioTracks[hls.audioTrack]?.lang ?? '',
        cues,
        duration: video.duration,
      };
    }, `${base}/media/${manifest}`);
  } finally {
    await page.close();
  }
}

const WAYS = [
  ['shaka-player', 'HLS', 'm3u8', playByShaka],
  ['shaka-player', 'DASH', 'mpd', playByShaka],
  ['hls.js', 'HLS', 'm3u8', playByHlsJs],
] as const;

test.each(WAYS)(
  '%s plays the %s of a made clip in both languages with its subtitles in sync',
  async (_name, _kind, extension, play) => {
    const played = await play(`movie/movie.${extension}`);
    expect(played.errors).toEqual([]);
    expect(played.seconds).toBeGreaterThan(2);
    expect(played.frames).toBeGreaterThan(25);
    expect(played.duration).toBeCloseTo(20, 0);
    expect([...played.languages].sort()).toEqual(['en', 'es']);
    expect(played.playing).toBe('es');
    expect(played.texts).toEqual(['en']);
    const cue = played.cues.find((one) => one.text.includes('Second 4'));
    expect(cue?.start).toBeCloseTo(4, 1);
  },
);

test.each(WAYS)(
  '%s plays the %s of the real clip with its 5.1 sound',
  async (_name, _kind, extension, play) => {
    const played = await play(`bunny/bunny.${extension}`);
    expect(played.errors).toEqual([]);
    expect(played.seconds).toBeGreaterThan(2);
    expect(played.frames).toBeGreaterThan(25);
  },
);
