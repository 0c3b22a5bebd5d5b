import { PassThrough } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { createProgress, formatElapsed } from '../../../dev/progress.ts';

test('passed time is told in minutes and seconds', () => {
  expect([0, 9.9, 75, 3600].map(formatElapsed)).toEqual(['0:00', '0:09', '1:15', '60:00']);
});

test('something slow is announced, and every ten seconds a log hears that it goes on, and where it is', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  try {
    const stream = new PassThrough();
    const progress = createProgress(stream);
    let finish = () => undefined as void;
    const work = progress.slow('Building', (note) => {
      note('compiling net/http');
      return new Promise<void>((resolve) => (finish = resolve));
    });
    vi.advanceTimersByTime(20_000);
    finish();
    await work;
    vi.advanceTimersByTime(20_000);
    expect(String(stream.read()).trimEnd().split('\n')).toEqual([
      'Building',
      '    0:10 elapsed, compiling net/http',
      '    0:20 elapsed, compiling net/http',
    ]);
  } finally {
    vi.useRealTimers();
  }
});

test('a terminal sees the time in one line that is gone at the end, also after a failure', async () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 40 });
  const progress = createProgress(stream);
  await expect(
    progress.slow('Building', () => Promise.reject(new Error('no disk'))),
  ).rejects.toThrow('no disk');
  expect(String(stream.read())).toBe('Building\n\r\x1b[2K');
});
