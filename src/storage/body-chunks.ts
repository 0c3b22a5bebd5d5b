import type { Readable } from 'node:stream';

/** A body that gives nothing for this long is given up. */
const SILENCE_MS = 20_000;

/** The chunks of a body; throws where it is silent for too long. */
export async function* chunksOf(
  body: Readable,
  signal: AbortSignal | undefined,
  silenceMs = SILENCE_MS,
): AsyncGenerator<Buffer> {
  const silence = Object.assign(new Error('the storage fell silent'), { code: 'ETIMEDOUT' });
  const giveUp = (): void => void body.destroy(silence);
  const stop = (): void => void body.destroy(new Error('aborted'));
  signal?.addEventListener('abort', stop, { once: true });
  let timer = setTimeout(giveUp, silenceMs);
  try {
    signal?.throwIfAborted();
    for await (const chunk of body as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      yield chunk;
      timer = setTimeout(giveUp, silenceMs);
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    body.destroy();
  }
}
