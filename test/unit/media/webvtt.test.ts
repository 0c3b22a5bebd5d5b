import { expect, test } from 'vitest';
import { CaptionsError } from '../../../src/media/webvtt/cue.ts';
import { cleanCueText } from '../../../src/media/webvtt/cue-text.ts';
import { decodeCaptions } from '../../../src/media/webvtt/decode.ts';
import { parseSrt } from '../../../src/media/webvtt/parse-srt.ts';
import { parseVtt } from '../../../src/media/webvtt/parse-vtt.ts';
import { buildWebVtt } from '../../../src/media/webvtt/write-vtt.ts';

test('SRT becomes WebVTT with the same times and lines', () => {
  const cues = parseSrt(
    '1\n00:00:01,500 --> 00:00:03,000\nHello\nthere\n\n2\n01:00:00,000 --> 01:00:01,000\n<font color=red>Bye</font>\n',
  );
  expect(buildWebVtt(cues)).toBe(
    'WEBVTT\n\n00:00:01.500 --> 00:00:03.000\nHello\nthere\n\n01:00:00.000 --> 01:00:01.000\nBye\n',
  );
});

test('WebVTT keeps its settings and loses notes, styles and unknown settings', () => {
  const cues = parseVtt(
    'WEBVTT - x\n\nNOTE nothing\n\nSTYLE\n::cue{}\n\nid\n00:01.000 --> 00:02.000 line:0 align:start evil:1\n<b>Hi</b>\n',
  );
  expect(cues).toEqual([
    { startSeconds: 1, endSeconds: 2, settings: 'line:0 align:start', text: '<b>Hi</b>' },
  ]);
});

test('markup that is no cue text is shown, not run', () => {
  expect(cleanCueText('<script>alert(1)</script> a --> b & c &amp; <i>x</i>')).toBe(
    '&lt;script&gt;alert(1)&lt;/script&gt; a --&gt; b &amp; c &amp; <i>x</i>',
  );
});

test.each([
  [() => parseSrt('1\n00:00:xx --> 00:00:02,000\nx'), /line 2/],
  [() => parseSrt('hello'), /line 1/],
  [() => parseVtt('00:01.000 --> 00:02.000\nx'), /line 1: a WebVTT file starts/],
  [() => parseVtt('WEBVTT\n\n00:01 --> 00:02.000\nx'), /line 3/],
])('a file that cannot be read says in which line', (parse, reason) => {
  expect(parse).toThrow(CaptionsError);
  expect(parse).toThrow(reason);
});

test('UTF-8, UTF-16 and Windows-1252 are told apart', () => {
  expect(decodeCaptions(Buffer.from('\uFEFFGröße'))).toBe('Größe');
  expect(decodeCaptions(Buffer.from('\uFEFFGröße', 'utf16le'))).toBe('Größe');
  expect(decodeCaptions(Buffer.from('Gr\u00f6\u00dfe', 'latin1'))).toBe('Größe');
});
