import { expect, test } from 'vitest';
import { toNewJob } from '../../../src/contract/new-job.ts';
import { CONTEXT } from './submissions.ts';

const claimsOf = (
  workflow: string,
  parameters: Record<string, unknown>,
  context: Partial<typeof CONTEXT> = {},
) =>
  toNewJob(JSON.stringify({ job: { workflow }, parameters: { content_id: 'c', ...parameters } }), {
    ...CONTEXT,
    isConfigured: () => true,
    placeOf: (kind, side) => ({
      kind,
      volume: kind === 'local' ? '' : `https://${kind}.example/films`,
      root: kind === 'local' ? `/srv/${side}/acme` : side,
    }),
    ...context,
  }).claims;

test('vodstream reads its source folder and writes its output folder, each at its own place', () => {
  const parameters = { source_folder: 'in/film/', output_root: 'vod', output_folder: 'film' };
  expect(claimsOf('vodstream', { ...parameters, destination_storage: 'S3' })).toEqual({
    writesTo: ['S3:https://S3.example/films/output/vod/film'],
    readsFrom: ['local:/srv/input/acme/in/film'],
    clears: false,
  });
});

test('voddelete clears its folder where results are', () => {
  expect(claimsOf('voddelete', { folder: 'vod/film', source_storage: 'azure_blob' })).toEqual({
    writesTo: ['azure_blob:https://azure_blob.example/films/output/vod/film'],
    readsFrom: [],
    clears: true,
  });
});

test('asset_delete writes each folder of its files once, and clears none', () => {
  const files = ['vod/a/1.mp4', 'vod/a/2.mp4', 'vod/b/1.mp4'];
  expect(claimsOf('asset_delete', { files })).toEqual({
    writesTo: ['local:/srv/output/acme/vod/a', 'local:/srv/output/acme/vod/b'],
    readsFrom: [],
    clears: false,
  });
});

test('a path that its storage cannot hold is refused', () => {
  const placeOf: (typeof CONTEXT)['placeOf'] = (kind) => ({
    kind,
    volume: 'https://s3.example/films',
    root: 'r'.repeat(100),
  });
  const parameters = {
    source_folder: 'in',
    output_folder: Array.from({ length: 10 }, () => 'x'.repeat(100)).join('/'),
    source_storage: 'S3',
  };
  expect(() => claimsOf('vodstream', parameters, { placeOf })).toThrow(/more than 1024 bytes/);
});
