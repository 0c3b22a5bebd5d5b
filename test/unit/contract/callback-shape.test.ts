import { expect, test } from 'vitest';
import { CallbackShape } from '../../../src/contract/callback-shape.ts';
import { shapeCallback } from '../../../src/domain/callback-shape.ts';

const BODY =
  '{"job_id":7,"status":"completed","metadata":{"duration":12.5},"files":["/a","/b"],' +
  '"custom_data":{"big":12345678901234567890,"b":1.0,"a":{"deep":[1]}}}';

test('values stand where the template wants them, as the bytes they were', () => {
  const shape = CallbackShape.parse({
    job: {
      event: { type: 'vod', id: '$.job_id' },
      data: '$.custom_data',
      seconds: '$.metadata.duration',
    },
  });
  expect(shapeCallback(shape, 'job', BODY)).toBe(
    '{"event":{"type":"vod","id":7},"data":{"big":12345678901234567890,"b":1.0,"a":{"deep":[1]}},"seconds":12.5}',
  );
});

test('a template may be the whole of a value', () => {
  expect(shapeCallback({ job: '$.custom_data.a' }, 'job', BODY)).toBe('{"deep":[1]}');
});

test('a member that leads to nothing is left out, an entry of an array is null', () => {
  const shape = { job: { no: '$.missing.deep', list: ['$.missing', '$.files', true, null, 3] } };
  expect(shapeCallback(shape, 'job', BODY)).toBe('{"list":[null,["/a","/b"],true,null,3]}');
});

test('two dollar signs are a plain one', () => {
  expect(shapeCallback({ job: ['$$.job_id', '$5'] }, 'job', BODY)).toBe('["$.job_id","$5"]');
});

test('literals and names of members are data, whatever stands in them', () => {
  const hard = '"}\r\nhost: evil\r\n\u2028<script>';
  const text = shapeCallback({ job: { [hard]: hard, id: '$.job_id' } }, 'job', BODY);
  expect(JSON.parse(text)).toEqual({ [hard]: hard, id: 7 });
  const twisted = JSON.parse('{"__proto__": {"job_id": "$.job_id"}}') as unknown;
  expect(shapeCallback({ job: twisted }, 'job', BODY)).toBe('{"__proto__":{"job_id":7}}');
});

test('what has no template keeps the body of the contract', () => {
  expect(shapeCallback({ job: {} }, 'task', BODY)).toBe(BODY);
  expect(shapeCallback(null, 'job', BODY)).toBe(BODY);
});

test('a path never leads out of the body: members of every object are no values', () => {
  for (const path of ['$.constructor', '$.__proto__.x', '$.files.length', '$.toString']) {
    expect(shapeCallback({ job: { at: path } }, 'job', BODY)).toBe('{}');
  }
});

test.each([
  [/is no path/, { job: { a: '$.files[0]' } }],
  [/is no path/, { task: '$.' }],
  [/is no path/, { task: '$.a..b' }],
  [/is no path/, { task: { deep: ['$.a[*]'] } }],
  [/is null; leave it out/, { job: null }],
  [/more than 16384 characters/, { job: 'x'.repeat(20_000) }],
  [/other/, { other: {} }],
])('a template that cannot be is refused: %s', (reason, shape) => {
  const parsed = CallbackShape.safeParse(shape);
  expect(parsed.success ? '' : parsed.error.message).toMatch(reason);
});

test('a template nested without end is refused', () => {
  for (const levels of [18, 200_000]) {
    const template: unknown = JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
    const parsed = CallbackShape.safeParse({ job: template });
    expect(parsed.error?.message).toContain('is nested more than 16 levels');
  }
});
