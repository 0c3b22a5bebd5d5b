import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildJobCallback, buildTaskCallback } from '../../../src/domain/callback.ts';

const JOB = {
  jobId: 7,
  isFailed: false,
  workflow: 'vodstream',
  contentId: 'movie',
  tenant: 'acme',
  customData: null,
  message: '/out/movie.m3u8',
  timeMs: Date.UTC(2030, 0, 2, 3, 4, 5, 678),
};

test('a task callback has exactly the fields of the contract', () => {
  const body = buildTaskCallback({
    jobId: 7,
    taskId: 7001,
    taskName: 'package',
    workflow: 'vodstream',
    event: 'start',
    contentId: 'movie',
    message: '',
    timeMs: JOB.timeMs,
    tenant: 'acme',
  });
  expect(JSON.parse(body)).toEqual({
    job_id: 7,
    task_id: 7001,
    task_name: 'package',
    workflow: 'vodstream',
    event: 'start',
    content_id: 'movie',
    message: '',
    time: '2030-01-02T03:04:05.678Z',
    client: 'acme',
  });
});

test('a job callback tells status, files as an array and the duration to the millisecond', () => {
  const body = buildJobCallback({
    ...JOB,
    result: { message: '', files: ['/out/a', '/out/b'], durationSeconds: 5.280_4 },
  });
  expect(JSON.parse(body)).toMatchObject({
    status: 'completed',
    files: ['/out/a', '/out/b'],
    metadata: { duration: 5.28 },
    custom_data: null,
  });
});

test('custom_data comes back as the bytes the client sent', () => {
  for (const raw of [
    '12345678901234567890',
    '1.0',
    '{"b":1,"a":{"a":2,"a":3}}',
    '"\\u0000\\ud800"',
  ]) {
    const body = buildJobCallback({ ...JOB, customData: raw });
    expect(body.endsWith(`"custom_data":${raw}}`)).toBe(true);
  }
});

test('any custom_data makes a body that is valid JSON', () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), (raw, message) => {
      const body = JSON.parse(buildJobCallback({ ...JOB, customData: raw, message }));
      expect(body.custom_data).toEqual(JSON.parse(raw));
      expect(body.message).toBe(message);
    }),
  );
});
