import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BODY_LIMITS, exceedsLimits } from '../../../src/contract/json-limits.ts';
import { InvalidSubmissionError, toNewJob } from '../../../src/contract/new-job.ts';
import { sliceSubmission } from '../../../src/contract/raw-json.ts';

const CONTEXT = {
  tenantId: 1,
  tenant: 'acme',
  storage: { source: 'local', destination: null },
  checkUrl: () => undefined,
  now: new Date('2030-01-01T00:00:00Z'),
} as const;

const submission = (parameters: string, job = '{"workflow":"vodstream"}'): string =>
  `{"job":${job},"parameters":${parameters}}`;

test('raw slices are exactly what stood in the text, whatever the JSON', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.json()), (values) => {
      const members = Object.entries(values).map(([key, raw]) => `${JSON.stringify(key)} : ${raw}`);
      const { parameters } = sliceSubmission(`{ "parameters" : {${members.join(' , ')}} }`);
      expect(Object.fromEntries(parameters)).toEqual({ ...values });
    }),
    { numRuns: 1000 },
  );
});

test('custom_data and unknown parameters are kept byte for byte, lenient values are set right', () => {
  const job = toNewJob(
    submission(
      '{"content_id":"c","source_folder":"s","generate_mp4":"true","retries":"2","x":1.0,"custom_data":{"n":12345678901234567890,"a":1,"a":2}}',
    ),
    CONTEXT,
  );
  expect(job.customData).toBe('{"n":12345678901234567890,"a":1,"a":2}');
  expect(job.parameters).toBe(
    '{"content_id":"c","source_folder":"s","generate_mp4":true,"retries":2,"x":1.0,"custom_data":{"n":12345678901234567890,"a":1,"a":2}}',
  );
});

test.each([
  ['{}', /parameters\.content_id: is missing/],
  ['{"content_id":"c"}', /parameters\.source_folder: is missing/],
  ['{"content_id":"c","source_folder":"../x"}', /parameters\.source_folder has a part/],
  ['{"content_id":"a/b","source_folder":"s"}', /parameters\.content_id has a "\/"/],
  [
    '{"content_id":"c","source_folder":"s","generate_mp4":"perhaps"}',
    /parameters\.generate_mp4: must be true or false/,
  ],
  [
    '{"content_id":"c","source_folder":"s","retries":-1}',
    /parameters\.retries: must be 0 at least/,
  ],
  ['{"content_id":"c","source_folder":"s","drm":["widevine"]}', /parameters\.drm: widevine/],
  [
    '{"content_id":"c","source_folder":"s","encode_source":true}',
    /parameters\.encode_source: not available/,
  ],
  [
    '{"content_id":"c","source_folder":"s","source_storage":"S3"}',
    /parameters\.source_storage: S3 is not configured/,
  ],
  [
    '{"content_id":"c","source_folder":"s","source_storage":"ftp"}',
    /parameters\.source_storage: must be one of/,
  ],
  [
    '{"content_id":"c","source_folder":"s","rest_endpoints":"http://x/"}',
    /parameters\.rest_endpoints: must be an array/,
  ],
  [
    '{"content_id":"c","source_folder":"s","thumbnail_time":"soon"}',
    /parameters\.thumbnail_time: must be seconds/,
  ],
])('%s is refused naming the field', (parameters, reason) => {
  expect(() => toNewJob(submission(parameters), CONTEXT)).toThrow(InvalidSubmissionError);
  expect(() => toNewJob(submission(parameters), CONTEXT)).toThrow(reason);
});

test.each([
  [
    '{"workflow":"vodcapture"}',
    /"vodcapture" is not available in this version; available: vodstream/,
  ],
  ['{"workflow":"vodstream","priority":11}', /job\.priority: must be 10 at most/],
  ['{"workflow":"vodstream","priority":"high"}', /job\.priority: must be a number/],
  ['{"workflow":"vodstream","run_at":"tomorrow"}', /job\.run_at: must be a time/],
  ['{}', /job\.workflow: is missing/],
])('job %s is refused naming the field', (job, reason) => {
  expect(() =>
    toNewJob(submission('{"content_id":"c","source_folder":"s"}', job), CONTEXT),
  ).toThrow(reason);
});

test('run_at without a zone is read as UTC; one that lies ahead schedules the job and says so', () => {
  const job = toNewJob(
    submission(
      '{"content_id":"c","source_folder":"s"}',
      '{"workflow":"vodstream","run_at":"2030-01-02T03:04:05.678"}',
    ),
    CONTEXT,
  );
  expect(job).toMatchObject({ state: 'scheduled', runAt: new Date('2030-01-02T03:04:05.678Z') });
  expect(job.notes.map((note) => note.message)).toContain(
    'Job will run at: "2030-01-02T03:04:05.678Z"',
  );
});

test('parameters of the original packager are accepted, each with a warning in the log', () => {
  const job = toNewJob(
    submission(
      '{"content_id":"c","source_folder":"s","create_dref":true,"encoding_region":"eu","trickplay":"true"}',
    ),
    CONTEXT,
  );
  const warnings = job.notes.filter((note) => note.severity === 'WARN').map((note) => note.message);
  expect(warnings).toEqual([
    'encoding_region has no effect here',
    'create_dref has no effect here',
    'trickplay has no effect: this version makes none',
  ]);
});

test.each([
  ['['.repeat(100_000), /nested deeper than 64/],
  [`{${Array.from({ length: 10_001 }, (_, at) => `"${at}":1`).join(',')}}`, /more than 10000 keys/],
  [`[${'1,'.repeat(5000)}1]`, /array of more than 5000 entries/],
])('a body over a limit is found out before it is parsed', (text, reason) => {
  expect(exceedsLimits(text, BODY_LIMITS)).toMatch(reason);
});

test('brackets and commas inside strings count for nothing', () => {
  expect(
    exceedsLimits(JSON.stringify({ a: `${'[,:{'.repeat(50_000)}\\"` }), BODY_LIMITS),
  ).toBeUndefined();
});
