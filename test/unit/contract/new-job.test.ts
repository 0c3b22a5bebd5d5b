import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidSubmissionError } from '../../../src/contract/fault.ts';
import { toNewJob } from '../../../src/contract/new-job.ts';
import { recipeInput } from '../../../src/contract/recipes.ts';
import { VodstreamParameters } from '../../../src/contract/vodstream-parameters.ts';
import { accept, CONTEXT, submissionText } from './submissions.ts';

const inputOf = (more: Record<string, unknown>) =>
  recipeInput({ ...accept(more), id: 7, tenant: 'acme' }, CONTEXT.storage);

describe('what is kept', () => {
  test('custom_data and unknown parameters stay byte for byte', () => {
    const custom = '{ "n":12345678901234567890,\n"a":1, "a":2,"z":"\\u0000\\ud800", "f":1.0 }';
    const job = accept(`{"x":1.0,"big":98765432109876543210,"custom_data":${custom}}`);
    expect(job.customData).toBe(custom);
    expect(job.parameters).toBe(
      `{"content_id":"c","source_folder":"s","x":1.0,"big":98765432109876543210,"custom_data":${custom}}`,
    );
  });

  test('numbers and booleans sent as text are kept as what they mean', () => {
    const job = accept({
      generate_mp4: 'true',
      retries: '2',
      thumbnail_time: '5',
      create_dref: 'false',
      unknown: 'true',
    });
    expect(JSON.parse(job.parameters)).toMatchObject({
      generate_mp4: true,
      retries: 2,
      thumbnail_time: 5,
      create_dref: false,
      unknown: 'true',
    });
  });

  test('a time stays as it was written', () => {
    expect(accept({ thumbnail_time: '0:00:05.5' }).parameters).toContain('"0:00:05.5"');
  });

  test('of a key that stands twice the last value counts', () => {
    const job = accept('{"content_id":"d","custom_data":1,"custom_data":2}');
    expect([job.contentId, job.customData]).toEqual(['d', '2']);
    expect(JSON.parse(job.parameters).content_id).toBe('d');
  });

  test('no custom_data is null, custom_data null is the text null', () => {
    expect(accept().customData).toBeNull();
    expect(accept({ custom_data: null }).customData).toBe('null');
  });
});

describe('what the workflow is started with', () => {
  test('has the defaults of the catalogue', () => {
    expect(inputOf({})).toEqual({
      jobId: 7,
      tenant: 'acme',
      contentId: 'c',
      sourceStorage: 'local',
      sourceFolder: 's',
      destinationStorage: 'local',
      emptyTarget: false,
      outputFolder: 's',
      asset: 'c',
      deleteSource: false,
      createThumbnail: true,
      thumbnailTimeSeconds: 0,
      generateMp4: false,
      mp4Filename: 'c.mp4',
      mezzanine: false,
      allAudioTracks: true,
      retries: 0,
      fileProperties: {},
    });
  });

  test('has what the client asked for, in the units of the workflow', () => {
    expect(
      inputOf({
        output_folder: 'out/x/',
        output_root: 'vod',
        thumbnail_time: '1:02:03.5',
        all_audio_tracks: 'false',
        mp4_filename: 'download.mp4',
        file_properties: { 'a.m4a': { language: 'de', other: 1 } },
      }),
    ).toMatchObject({
      outputFolder: 'vod/out/x',
      thumbnailTimeSeconds: 3723.5,
      allAudioTracks: false,
      mp4Filename: 'download.mp4',
      fileProperties: { 'a.m4a': { language: 'de' } },
    });
  });

  test('a tenant whose storage is not local must name one that is', () => {
    const s3 = { ...CONTEXT, storage: { source: 'S3', destination: null } } as const;
    expect(() => toNewJob(submissionText(), s3)).toThrow(/parameters\.source_storage: S3/);
    expect(toNewJob(submissionText({ source_storage: 'local' }), s3).parameters).toContain('local');
  });
});

describe('what is refused, naming the field', () => {
  test.each([
    [{ content_id: undefined }, /^parameters\.content_id: is missing, it must be text$/],
    [{ content_id: 42 }, /^parameters\.content_id: must be text$/],
    [{ content_id: '' }, /^parameters\.content_id is empty/],
    [{ content_id: 'a/b' }, /^parameters\.content_id has a "\/"/],
    [{ content_id: 'a\u0000' }, /^parameters\.content_id has a control character/],
    [{ content_id: 'x'.repeat(161) }, /^parameters\.content_id has more than 160 bytes/],
    [{ source_folder: undefined }, /^parameters\.source_folder: is missing/],
    [{ source_folder: '../x' }, /^parameters\.source_folder has a part/],
    [{ source_folder: ['s'] }, /^parameters\.source_folder: must be text$/],
    [{ output_folder: '/x' }, /^parameters\.output_folder is absolute/],
    [{ output_folder: null }, /^parameters\.output_folder: must be text$/],
    [{ output_root: '..' }, /^parameters\.output_root has a part/],
    [{ mp4_filename: 'a/b.mp4' }, /^parameters\.mp4_filename has a "\/"/],
    [{ generate_mp4: 'perhaps' }, /^parameters\.generate_mp4: must be true or false$/],
    [{ generate_mp4: 1 }, /^parameters\.generate_mp4: must be true or false$/],
    [{ retries: -1 }, /^parameters\.retries: must be 0 at least$/],
    [{ retries: '101' }, /^parameters\.retries: must be 100 at most$/],
    [{ retries: 1.5 }, /^parameters\.retries: must be a whole number from 0 to 100$/],
    [{ retries: 'many' }, /^parameters\.retries: must be a whole number from 0 to 100$/],
    [{ thumbnail_time: 'soon' }, /^parameters\.thumbnail_time: must be seconds or h:mm:ss\.fff$/],
    [{ thumbnail_time: -1 }, /^parameters\.thumbnail_time: must be from 0 to 100 hours$/],
    [{ drm: 'clear' }, /^parameters\.drm: must be an array$/],
    [{ drm: ['clear', 'rot13'] }, /^parameters\.drm\.1: may hold playready/],
    [{ drm: ['clear', 'widevine'] }, /^parameters\.drm: widevine not available in this version/],
    [{ encode_source: 'true' }, /^parameters\.encode_source: not available in this version/],
    [{ source_storage: 'S3' }, /^parameters\.source_storage: S3 is not configured/],
    [{ destination_storage: 'azure_blob' }, /^parameters\.destination_storage: azure_blob is not/],
    [
      { source_storage: 'ftp' },
      /^parameters\.source_storage: must be one of S3, azure_blob, local/,
    ],
    [{ rest_endpoints: 'http://x/' }, /^parameters\.rest_endpoints: must be an array of URLs$/],
    [{ rest_endpoints: [7] }, /^parameters\.rest_endpoints\.0: must hold URLs$/],
    [{ rest_endpoints: ['http://x/#top'] }, /^parameters\.rest_endpoints: a URL has a fragment/],
    [{ file_properties: ['a'] }, /^parameters\.file_properties: must be an object of file names$/],
    [
      { file_properties: { 'a.m4a': { language: 1 } } },
      /^parameters\.file_properties\.a\.m4a\.language: must be text$/,
    ],
    [{ track_properties: 'x' }, /^parameters\.track_properties: must be an object or array/],
  ])('%j', (more, reason) => {
    const text = JSON.stringify({
      job: { workflow: 'vodstream' },
      parameters: { content_id: 'c', source_folder: 's', ...more },
    });
    expect(() => toNewJob(text, CONTEXT)).toThrow(InvalidSubmissionError);
    expect(() => toNewJob(text, CONTEXT)).toThrow(reason);
  });

  test.each([
    [
      '{"workflow":"vodcapture"}',
      /workflow "vodcapture" is not available in this version; available: vodstream, voddelete, asset_delete$/,
    ],
    [
      '{"workflow":"nope"}',
      /there is no workflow "nope"; available: vodstream, voddelete, asset_delete$/,
    ],
    [`{"workflow":"${'x'.repeat(100_000)}"}`, /^.{1,200}$/],
    ['{"workflow":7}', /^job\.workflow: must name a workflow$/],
    ['{"workflow":"vodstream","priority":11}', /^job\.priority: must be 10 at most$/],
    ['{"workflow":"vodstream","priority":0}', /^job\.priority: must be 1 at least$/],
    ['{"workflow":"vodstream","priority":"high"}', /^job\.priority: must be a whole number from/],
    ['{"workflow":"vodstream","run_at":"tomorrow"}', /^job\.run_at: must be a time/],
    ['{"workflow":"vodstream","run_at":5}', /^job\.run_at: must be a time/],
    ['{"workflow":"vodstream","persist":"maybe"}', /^job\.persist: must be true or false$/],
    ['{"workflow":"vodstream","semaphore_url":7}', /^job\.semaphore_url: must be a URL$/],
    [
      '{"workflow":"vodstream","semaphore_url":"http://x/","sempahore_url":"http://y/"}',
      /^job\.sempahore_url: differs from job\.semaphore_url; send one of them$/,
    ],
    [
      '{"workflow":"vodstream","semaphore_url":"http://x/#top"}',
      /^job\.semaphore_url: has a fragment/,
    ],
    ['{}', /^job\.workflow: is missing/],
    ['[]', /^job: must be an object$/],
    ['null', /^job: must be an object$/],
  ])('job %s', (job, reason) => {
    expect(() => accept({}, job)).toThrow(InvalidSubmissionError);
    expect(() => accept({}, job)).toThrow(reason);
  });

  test.each([
    ['null', /^the body: must be an object$/],
    ['{}', /^job: is missing, it must be an object$/],
    ['{"job":{"workflow":"vodstream"},"parameters":[]}', /^parameters: must be an object$/],
    ['{"job":{"workflow":"vodstream"},"client":{}}', /^client: must be text$/],
    ['{"job":{"workflow":"vodstream"}}', /^parameters\.content_id: is missing/],
  ])('body %s', (text, reason) => {
    expect(() => toNewJob(text, CONTEXT)).toThrow(reason);
  });
});

describe('how the job is queued', () => {
  test('with priority 5, at once and not for ever, unless it says otherwise', () => {
    expect(accept()).toMatchObject({
      priority: 5,
      state: 'queued',
      isPersistent: false,
      runAt: null,
    });
    expect(
      accept({}, '{"workflow":"vodstream","priority":"2","persist":"true","run_at":""}'),
    ).toMatchObject({ priority: 2, state: 'queued', isPersistent: true, runAt: null });
  });

  test('a run_at that lies ahead schedules it and the log says when; one past does neither', () => {
    const job = accept({}, '{"workflow":"vodstream","run_at":"2030-01-02T03:04:05.678"}');
    expect(job).toMatchObject({ state: 'scheduled', runAt: new Date('2030-01-02T03:04:05.678Z') });
    expect(job.notes.map((note) => note.message)).toEqual([
      'Job accepted: vodstream of c',
      'Job will run at: "2030-01-02T03:04:05.678Z"',
    ]);
    const past = accept({}, '{"workflow":"vodstream","run_at":"2029-01-02T03:04:05"}');
    expect([past.state, past.notes.length]).toEqual(['queued', 1]);
  });

  test('a semaphore schedules it, whatever its run_at, and the log tells it without its query', () => {
    const url = 'https://cms.example.com/ready?key=secret';
    for (const runAt of ['', ',"run_at":"2029-01-02T03:04:05"']) {
      const job = accept({}, `{"workflow":"vodstream","semaphore_url":"${url}"${runAt}}`);
      expect(job).toMatchObject({ state: 'scheduled', semaphoreUrl: url });
      expect(job.notes.map((note) => note.message)).toEqual([
        'Job accepted: vodstream of c',
        'Job waits for its semaphore: https://cms.example.com/ready',
      ]);
    }
    expect(accept({}, `{"workflow":"vodstream","sempahore_url":"${url}"}`).semaphoreUrl).toBe(url);
    expect(accept({}, '{"workflow":"vodstream","semaphore_url":""}')).toMatchObject({
      state: 'queued',
      semaphoreUrl: null,
    });
  });

  test('a semaphore that may not be called is refused with the reason and its field', () => {
    for (const field of ['semaphore_url', 'sempahore_url']) {
      const text = submissionText({}, `{"workflow":"vodstream","${field}":"http://inside/"}`);
      expect(() => toNewJob(text, { ...CONTEXT, checkUrl: (url) => `${url} is inside` })).toThrow(
        new InvalidSubmissionError(`job.${field}: http://inside/ is inside`),
      );
    }
  });

  test('what only its server may set is not taken from the client', () => {
    const job = accept(
      {},
      '{"workflow":"vodstream","id":1,"queue_state":2,"failed":true,"state":"completed","tenantId":9}',
    );
    expect(job).toMatchObject({ tenantId: 1, state: 'queued' });
  });
});

describe('the first rows of its log', () => {
  const warnings = (more: Record<string, unknown>) =>
    accept(more)
      .notes.filter((note) => note.severity === 'WARN')
      .map((note) => note.message);

  test('name each parameter without effect that was sent, once', () => {
    expect(
      warnings({
        encoding_region: 'eu',
        encoder_version: 'BETA',
        combine_sources: false,
        create_dref: 'true',
        encrypt_ismv: true,
        playready_key: 'k',
      }),
    ).toEqual([
      'encoding_region has no effect here',
      'encoder_version has no effect here',
      'combine_sources has no effect here',
      'create_dref has no effect here',
      'encrypt_ismv has no effect here',
      'playready_key has no effect here',
    ]);
  });

  test('name each switch whose feature this version lacks, where it is on', () => {
    expect(
      warnings({
        trickplay: 'true',
        preview_thumbnails: true,
        apply_track_properties: true,
        cpix: false,
      }),
    ).toEqual([
      'preview_thumbnails has no effect: this version makes none',
      'trickplay has no effect: this version makes none',
      'apply_track_properties has no effect: this version makes none',
    ]);
  });

  test('warn of nothing that was left out', () => {
    expect(warnings({})).toEqual([]);
  });
});

describe('hostile input', () => {
  test('__proto__ and constructor at every level are kept as text and change nothing', () => {
    const hostile =
      '{"__proto__":{"output_folder":5,"drm":["widevine"]},"constructor":{"prototype":{"x":1}},' +
      '"file_properties":{"__proto__":{"language":5},"a":{"__proto__":{"kind":7}}},' +
      '"custom_data":{"__proto__":{"polluted":1}}}';
    const job = accept(
      hostile,
      '{"workflow":"vodstream","__proto__":{"run_at":5,"semaphore_url":"http://x/"}}',
    );
    expect(job.parameters).toContain('"__proto__":{"output_folder":5,"drm":["widevine"]}');
    expect(job).toMatchObject({ state: 'queued', runAt: null });
    const input = recipeInput({ ...job, id: 1, tenant: 'acme' }, CONTEXT.storage);
    expect(input).toMatchObject({ outputFolder: 's', fileProperties: { a: {} } });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test('whatever stands in a known parameter, a submission is taken or refused by name, never worse', () => {
    const names = Object.keys(VodstreamParameters.shape);
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
        fc.dictionary(
          fc.constantFrom('workflow', 'priority', 'run_at', 'semaphore_url', 'persist'),
          fc.jsonValue({ maxDepth: 1 }),
          { maxKeys: 2 },
        ),
        (parameters, job) => {
          const text = JSON.stringify({
            job: { workflow: 'vodstream', ...job },
            parameters: { content_id: 'c', source_folder: 's', ...parameters },
          });
          try {
            toNewJob(text, CONTEXT);
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidSubmissionError);
            expect((error as Error).message).toMatch(/^(?:parameters|job)\b/);
          }
        },
      ),
      { numRuns: 10_000 },
    );
  });
});
