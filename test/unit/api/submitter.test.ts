import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createSubmitter } from '../../../api/submission/submitter.ts';
import { accept } from '../contract/submissions.ts';

const named = (contentId: string) => ({ ...accept(), contentId });

class Refusal extends Error {}

/**
 * A store that keeps content ids, refuses `bad`, loses the connection after it has committed `lost`, and
 * notes the size of each statement.
 */
class Store {
  readonly kept: string[] = [];
  readonly sizes: number[] = [];

  readonly insert = async (jobs: readonly { readonly contentId: string | null }[]) => {
    this.sizes.push(jobs.length);
    await delay(5);
    if (jobs.some((job) => job.contentId === 'bad')) throw new Refusal();
    const ids = jobs.map((job) => this.kept.push(job.contentId ?? ''));
    if (jobs.some((job) => job.contentId === 'lost')) throw new Error('the connection broke');
    return ids;
  };

  readonly isRefusal = (error: unknown): boolean => error instanceof Refusal;
}

test('a submission that comes alone is stored at once and alone', async () => {
  const store = new Store();
  const submitter = createSubmitter(store);
  expect(await submitter.submit(named('a'))).toBe(1);
  expect(await submitter.submit(named('b'))).toBe(2);
  expect(store.sizes).toEqual([1, 1]);
});

test('submissions that come at once share statements, and each gets its own id', async () => {
  const store = new Store();
  const submitter = createSubmitter(store);
  const names = Array.from({ length: 200 }, (_, at) => `c${at}`);
  const ids = await Promise.all(names.map((name) => submitter.submit(named(name))));
  expect(ids.map((id) => store.kept[id - 1])).toEqual(names);
  expect(store.sizes.length).toBeLessThan(10);
  expect(Math.max(...store.sizes)).toBeLessThanOrEqual(50);
});

test('a submission that cannot be stored fails alone', async () => {
  const store = new Store();
  const submitter = createSubmitter(store);
  const results = await Promise.allSettled(
    ['a', 'b', 'c', 'bad', 'd', 'e'].map((name) => submitter.submit(named(name))),
  );
  expect(results.map((result) => result.status)).toEqual(
    ['a', 'b', 'c', 'bad', 'd', 'e'].map((name) => (name === 'bad' ? 'rejected' : 'fulfilled')),
  );
  expect(store.kept).toHaveLength(5);
});

test('after a failure that may have come behind the commit nothing is stored again', async () => {
  const store = new Store();
  const submitter = createSubmitter(store);
  const names = ['a', 'b', 'c', 'lost', 'd', 'e'];
  await Promise.allSettled(names.map((name) => submitter.submit(named(name))));
  expect([...store.kept].sort()).toEqual([...names].sort());
});
