import { expect, test } from 'vitest';
import { type RunningPiece, supervise, waitBeforeStartMs } from '../../../dev/stack/piece.ts';

/** A piece whose runs the test ends; each start gets the next process id. */
class FakePiece {
  readonly name = 'fake';
  starts = 0;
  stops = 0;
  failing = 0;
  #end: (how: string) => void = () => undefined;
  #gate: Promise<void> = Promise.resolve();

  /** Makes the next start wait until the returned function is called. */
  holdStart(): () => void {
    const gate = Promise.withResolvers<void>();
    this.#gate = gate.promise;
    return gate.resolve;
  }

  readonly start = async (): Promise<RunningPiece> => {
    await this.#gate;
    this.starts += 1;
    if (this.failing > 0) {
      this.failing -= 1;
      throw new Error('did not answer');
    }
    const ended = Promise.withResolvers<string>();
    this.#end = ended.resolve;
    return {
      pid: this.starts,
      ended: ended.promise,
      stop: async () => {
        this.stops += 1;
        ended.resolve('was stopped');
      },
    };
  };

  die(): void {
    this.#end('was ended by SIGKILL');
  }
}

async function watched(piece: FakePiece) {
  const pids: (number | undefined)[] = [];
  const said: string[] = [];
  const supervised = await supervise(piece, {
    onChange: (pid) => void pids.push(pid),
    say: (text) => said.push(text),
  });
  return { supervised, pids, said };
}

test('a piece that keeps dying waits twice as long each time, from 0.2 s to 10 s', () => {
  const waits = [];
  for (let wait = 0; waits.length < 8; ) waits.push((wait = waitBeforeStartMs(wait, 50)));
  expect(waits).toEqual([200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
});

test('a piece that was up for over a minute waits as little as the first time', () => {
  expect(waitBeforeStartMs(10_000, 60_001)).toBe(200);
});

test('a piece that dies is told of, started again, and told of anew', async () => {
  const piece = new FakePiece();
  const { supervised, pids, said } = await watched(piece);
  piece.die();
  await expect.poll(() => pids).toEqual([1, undefined, 2]);
  expect(said).toEqual([
    'fake was ended by SIGKILL; starting it again in 0.2 s',
    'fake is up again (pid 2)',
  ]);
  await supervised.stop();
});

test('a restart that fails is tried again', async () => {
  const piece = new FakePiece();
  const { supervised, pids, said } = await watched(piece);
  piece.failing = 1;
  piece.die();
  await expect.poll(() => pids.at(-1), { timeout: 3_000 }).toBe(3);
  expect(said).toContain('fake did not answer');
  await supervised.stop();
});

test('a first start that fails is thrown', async () => {
  const piece = new FakePiece();
  piece.failing = 1;
  await expect(watched(piece)).rejects.toThrow('did not answer');
});

test('a stop while the piece waits to be started again starts nothing', async () => {
  const piece = new FakePiece();
  const { supervised } = await watched(piece);
  piece.die();
  await expect.poll(() => piece.starts).toBe(1);
  await supervised.stop();
  expect(piece.starts).toBe(1);
});

test('a stop while the piece is being started again stops what comes up', async () => {
  const piece = new FakePiece();
  const { supervised, said } = await watched(piece);
  const open = piece.holdStart();
  piece.die();
  await expect.poll(() => said).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const stopping = supervised.stop();
  open();
  await stopping;
  expect({ starts: piece.starts, stops: piece.stops }).toEqual({ starts: 2, stops: 1 });
});
