import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, OTHER, submission, type TestApi } from '../helpers/api.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
});

afterAll(() => api.stop());

describe('GET /', () => {
  test('is open and says {"result":"alive"}', async () => {
    const answer = await api.send('GET', '/', undefined, {});
    expect([answer.status, answer.json]).toEqual([200, { result: 'alive' }]);
  });
});

describe('POST /job', () => {
  test('answers id and job_id, the same number, and "accepted"', async () => {
    const { status, json } = await api.send('POST', '/job', submission());
    expect(status).toBe(200);
    expect(json).toEqual({ id: json.id, job_id: json.id, result: 'accepted' });
    expect(Number.isInteger(json.id)).toBe(true);
  });

  test('takes numbers and booleans sent as strings for what they mean', async () => {
    const body = submission({ generate_mp4: 'true', retries: '2' }, { priority: '2' });
    const { json } = await api.send('POST', '/job', body);
    const job = (await api.send('GET', `/jobs/${json.id}`)).json;
    expect(job).toMatchObject({ priority: 2, parameters: { generate_mp4: true, retries: 2 } });
  });

  test('keeps unknown parameters and custom_data byte for byte', async () => {
    const raw =
      '{"content_id":"m","source_folder":"s","x":1.0,"custom_data":{"b":12345678901234567890,"a":1,"a":2,"z":"\\u0000"}}';
    const { json } = await api.send(
      'POST',
      '/job',
      `{"job":{"workflow":"vodstream"},"parameters":${raw}}`,
    );
    expect((await api.send('GET', `/jobs/${json.id}`)).text).toContain(`"parameters":${raw}`);
  });

  test.each([
    ['{"job":', /not valid JSON/],
    ['[]', /the body: must be an object|expected object/i],
    ['{}', /job: is missing/],
    [
      '{"job":{"workflow":"nope"}}',
      /job\.workflow: there is no workflow "nope"; available: vodstream/,
    ],
  ])('answers 400 with a reason to %s', async (body, reason) => {
    const { status, json } = await api.send('POST', '/job', body);
    expect(status).toBe(400);
    expect(json.error).toMatch(reason);
  });

  test('refuses callback URLs that lead inside, names too many, sends duplicates once', async () => {
    const refused = await api.send(
      'POST',
      '/job',
      submission({ rest_endpoints: ['http://169.254.169.254/'] }),
    );
    expect([refused.status, refused.json.error]).toEqual([
      400,
      expect.stringMatching(/^parameters\.rest_endpoints: .*not public/),
    ]);
    const many = Array.from({ length: 21 }, (_, at) => `http://127.0.0.1:9/${at}`);
    expect((await api.send('POST', '/job', submission({ rest_endpoints: many }))).status).toBe(400);
  });

  test('a job whose run_at lies ahead is scheduled and its log says when', async () => {
    const { json } = await api.send(
      'POST',
      '/job',
      submission({}, { run_at: '2099-01-02T03:04:05.678' }),
    );
    expect((await api.send('GET', `/jobs/${json.id}`)).json).toMatchObject({
      queue_state: 'scheduled',
      run_at: '2099-01-02T03:04:05.678Z',
    });
    const rows = (await api.send('GET', `/logs/${json.id}`)).json;
    expect(rows.map((row: { message: string }) => row.message)).toContain(
      'Job will run at: "2099-01-02T03:04:05.678Z"',
    );
  });

  test('a job with a free slot starts, one without waits in its place', async () => {
    const ids = [];
    for (let at = 0; at < 4; at++) {
      const body = submission({ output_folder: `vod/${at}` });
      ids.push((await api.send('POST', '/job', body, OTHER)).json.id);
    }
    const jobs = await Promise.all(
      ids.map(async (id) => (await api.send('GET', `/jobs/${id}`, undefined, OTHER)).json),
    );
    expect(jobs.map((job) => job.queue_state)).toEqual(['started', 'started', 'queued', 'queued']);
    expect(jobs.map((job) => [job.position, job.top_of_queue])).toEqual([
      [null, false],
      [null, false],
      [1, true],
      [2, false],
    ]);
  });
});

describe('limits, before any handler', () => {
  test('a body over 2 MiB is 413', async () => {
    const body = JSON.stringify(submission({ x: 'y'.repeat(2 * 1024 * 1024) }));
    expect((await api.send('POST', '/job', body)).status).toBe(413);
  });

  test('a chunked body over 2 MiB is 413 though it declares no length', async () => {
    const chunk = new TextEncoder().encode('x'.repeat(64 * 1024));
    let left = 40;
    const body = new ReadableStream({
      pull: (controller) => {
        left -= 1;
        if (left < 0) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const response = await api.app.request('/job', {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { client: 'acme' },
    } as RequestInit);
    expect(response.status).toBe(413);
  });

  test('custom_data of 1 MB is accepted and comes back', async () => {
    const value = 'ä'.repeat(500_000);
    const { json, status } = await api.send('POST', '/job', submission({ custom_data: value }));
    expect(status).toBe(200);
    expect((await api.send('GET', `/jobs/${json.id}`)).json.parameters.custom_data).toBe(value);
  });

  test.each([
    [{ 'content-type': 'text/plain' }],
    [{ 'content-type': 'application/x-www-form-urlencoded' }],
    [{ 'content-encoding': 'gzip' }],
  ])('%j is 415', async (headers) => {
    const answer = await api.send('POST', '/job', submission(), {
      client: 'acme',
      'api-key': 'acme-secret-1',
      ...headers,
    } as Record<string, string>);
    expect([answer.status, typeof answer.json.error]).toEqual([415, 'string']);
  });

  test('deep nesting is 400', async () => {
    const deep = `{"job":{"workflow":"vodstream"},"parameters":{"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`;
    expect((await api.send('POST', '/job', deep)).status).toBe(400);
  });
});

describe('GET /jobs', () => {
  test('lists newest first, ten by default', async () => {
    for (let at = 0; at < 11; at++)
      await api.send('POST', '/job', submission({ content_id: `list-${at}` }));
    const { json } = await api.send('GET', '/jobs');
    expect(json).toHaveLength(10);
    const ids = json.map((job: { id: number }) => job.id);
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
  });

  test('narrows by search in any submitted value, with no wildcards', async () => {
    await api.send(
      'POST',
      '/job',
      submission({ content_id: 'Needle_1', custom_data: { deep: ['50%-off'] } }),
    );
    const found = async (text: string) =>
      (await api.send('GET', `/jobs?search=${encodeURIComponent(text)}`)).json.length;
    expect(await found('needle_1')).toBe(1);
    expect(await found('50%-OFF')).toBe(1);
    expect(await found('needle%1')).toBe(0);
    expect(await found("' OR 1=1 --")).toBe(0);
    expect(await found('\\')).toBe(0);
  });

  test('narrows by state and job_ids', async () => {
    const { json } = await api.send('GET', '/jobs?state=5');
    expect(json.every((job: { queue_state: string }) => job.queue_state === 'scheduled')).toBe(
      true,
    );
    const [first, second] = (await api.send('GET', '/jobs')).json;
    const both = (await api.send('GET', `/jobs?job_ids=${first.id},${second.id},99999`)).json;
    expect(both.map((job: { id: number }) => job.id)).toEqual([first.id, second.id]);
  });

  test.each(['limit=0', 'limit=-1', 'limit=1e9', 'limit=x', 'state=7', 'job_ids=1;2'])(
    '%s is 400 naming the field',
    async (query) => {
      const { status, json } = await api.send('GET', `/jobs?${query}`);
      expect(status).toBe(400);
      expect(json.error).toMatch(new RegExp(`^${query.split('=')[0]}`));
    },
  );
});

describe('GET /logs/:id', () => {
  test('has the fields of the contract', async () => {
    const { json } = await api.send('POST', '/job', submission());
    const [row] = (await api.send('GET', `/logs/${json.id}`)).json;
    expect(Object.keys(row).sort()).toEqual([
      'created_at',
      'id',
      'job_id',
      'message',
      'progname',
      'severity',
      'severity_description',
      'task_id',
      'updated_at',
      'visible',
    ]);
    expect(row).toMatchObject({
      job_id: json.id,
      progname: 'api',
      severity_description: 'INFO',
      visible: true,
    });
  });
});

describe('errors', () => {
  test('unknown routes are 404, other methods 405 with Allow, always {"error"}', async () => {
    const unknown = await api.send('GET', '/nothing');
    expect([unknown.status, typeof unknown.json.error]).toEqual([404, 'string']);
    const wrong = await api.send('DELETE', '/jobs');
    expect([wrong.status, wrong.headers.get('allow'), typeof wrong.json.error]).toEqual([
      405,
      'GET, HEAD',
      'string',
    ]);
  });

  test('answers are not sniffed, cached or framed', async () => {
    const { headers } = await api.send('GET', '/jobs');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });
});

describe('the OpenAPI document', () => {
  test('is the one that is committed as docs/openapi.json', async () => {
    const served = (await api.send('GET', '/openapi.json', undefined, {})).json;
    const committed = join(import.meta.dirname, '..', '..', 'docs', 'openapi.json');
    // `npx vitest run test/contract/jobs.test.ts --update` writes it anew
    await expect(`${JSON.stringify(served, null, 2)}\n`).toMatchFileSnapshot(committed);
  });

  test('has a reference page that loads nothing from elsewhere', async () => {
    const page = await api.send('GET', '/docs', undefined, {});
    expect(page.text).not.toMatch(/(?:src|href)="https?:/);
    for (const [, path] of page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      expect([path, (await api.send('GET', path ?? '', undefined, {})).status]).toEqual([
        path,
        200,
      ]);
    }
  });
});
