import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { assetDeleteFiles } from '../../../src/contract/deletes.ts';
import { toNewJob } from '../../../src/contract/new-job.ts';
import { recipeInput } from '../../../src/contract/recipes.ts';
import { HOSTILE_PATHS } from '../../helpers/hostile-paths.ts';
import { CONTEXT } from './submissions.ts';

const submit = (workflow: string, parameters: Record<string, unknown>) =>
  toNewJob(JSON.stringify({ job: { workflow }, parameters }), CONTEXT);

const inputOf = (
  workflow: string,
  parameters: Record<string, unknown>,
  storage = CONTEXT.storage,
) => recipeInput({ ...submit(workflow, parameters), id: 7, tenant: 'acme' }, storage);

const files = (...names: unknown[]) => ({ content_id: 'c', files: names });

describe('voddelete', () => {
  test('needs a folder alone', () => {
    expect(inputOf('voddelete', { folder: 'vod/film/' })).toEqual({
      jobId: 7,
      tenant: 'acme',
      contentId: null,
      storage: 'local',
      folder: 'vod/film',
    });
    expect(submit('voddelete', { folder: 'a' }).notes[0]?.message).toBe('Job accepted: voddelete');
  });

  test.each([
    ['voddelete', { folder: 'a' }],
    ['asset_delete', files('a/b.mp4')],
  ])('%s warns of destination_storage, which it does not look at', (workflow, parameters) => {
    const { notes } = submit(workflow, { ...parameters, destination_storage: 'S3' });
    expect(notes.slice(1)).toEqual([
      { severity: 'WARN', message: 'destination_storage has no effect here' },
    ]);
  });

  test('deletes below output_root, in the storage of results', () => {
    const defaults = { source: 'S3', destination: 'local' } as const;
    const parameters = { folder: 'film', output_root: 'vod', content_id: 'f' };
    expect(inputOf('voddelete', parameters, defaults)).toMatchObject({
      contentId: 'f',
      storage: 'local',
      folder: 'vod/film',
    });
    expect(
      inputOf(
        'voddelete',
        { ...parameters, source_storage: 'local' },
        { ...defaults, destination: 'S3' },
      ),
    ).toMatchObject({ storage: 'local' });
  });

  test.each([
    [{}, /^parameters\.folder: is missing, it must be text$/],
    [{ folder: '' }, /^parameters\.folder is empty/],
    [{ folder: '/' }, /^parameters\.folder is absolute/],
    [{ folder: '.' }, /^parameters\.folder has a part "\."/],
    [{ folder: 7 }, /^parameters\.folder: must be text$/],
    [{ folder: 'a', output_root: '..' }, /^parameters\.output_root has a part/],
    [{ folder: 'a', source_storage: 'ftp' }, /^parameters\.source_storage: must be one of/],
    [{ folder: 'a', source_storage: 'S3' }, /^parameters\.source_storage: S3 is not configured/],
  ])('refuses %j', (parameters, message) => {
    expect(() => submit('voddelete', parameters)).toThrow(message);
  });
});

describe('asset_delete', () => {
  test('keeps the files out of the input of its workflow', () => {
    expect(inputOf('asset_delete', files('vod/a.mp4', 'vod/b.mp4', 'vod/a.mp4'))).toEqual({
      jobId: 7,
      tenant: 'acme',
      contentId: 'c',
      storage: 'local',
      fileCount: 2,
    });
  });

  test('knows what was asked for and each key once', () => {
    const { parameters } = submit('asset_delete', {
      ...files('a.mp4', 'a.mp4'),
      output_root: 'vod',
    });
    expect(assetDeleteFiles(parameters)).toEqual({
      asked: ['a.mp4', 'a.mp4'],
      keys: ['vod/a.mp4'],
    });
  });

  test.each([
    [{ files: ['a'] }, /^parameters\.content_id: is missing/],
    [{ content_id: 'c' }, /^parameters\.files: is missing, it must be an array of files$/],
    [files(), /^parameters\.files: is empty/],
    [files('a', 7), /^parameters\.files\.1: must be text$/],
    [files('a', '../b'), /^parameters\.files\.1 has a part "\." or "\.\."; name the file itself$/],
    [files('a/'), /^parameters\.files\.0 ends with "\/"; name a file, not a folder$/],
    [files(''), /^parameters\.files\.0 is empty; name a file below the root$/],
    [files(...Array(5001).fill('a')), /more than 5000/],
  ])('refuses %j', (parameters, message) => {
    expect(() => submit('asset_delete', parameters)).toThrow(message);
  });
});

const attempts: readonly (readonly [string, (path: string) => unknown])[] = [
  ['folder', (path) => inputOf('voddelete', { folder: path })],
  ['output_root', (path) => inputOf('voddelete', { folder: 'x', output_root: path })],
  ['files', (path) => assetDeleteFiles(submit('asset_delete', files(path)).parameters).keys[0]],
];

test.each(attempts)(
  `none of ${HOSTILE_PATHS.length} hostile paths deletes outside the root: %s`,
  (field, keyOf) => {
    for (const path of HOSTILE_PATHS) {
      let made: unknown;
      try {
        made = keyOf(path);
      } catch (error) {
        expect([path, (error as Error).message]).toEqual([
          path,
          expect.stringMatching(`^parameters\\.${field}`),
        ]);
        continue;
      }
      const key = typeof made === 'string' ? made : (made as { folder: string }).folder;
      expect([path, posix.join('/root/acme', key).startsWith('/root/acme/')]).toEqual([path, true]);
      expect(posix.normalize(key)).toBe(key);
    }
    expect(keyOf('movie/x')).toBeDefined();
  },
);
