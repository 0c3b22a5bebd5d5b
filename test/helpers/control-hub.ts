import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The two web-hooks of the original's Control Hub. */
export const CONTROL_HUB_PATHS = [
  '/api/event/vuflow/taskenginecallback',
  '/vod/PublishVuflowData',
] as const;

type Judge = (value: unknown) => boolean;

const isText: Judge = (value) => typeof value === 'string' && value !== '';
const isId: Judge = (value) => Number.isSafeInteger(value) && Number(value) > 0;
const isTime: Judge = (value) =>
  typeof value === 'string' &&
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(value) &&
  !Number.isNaN(Date.parse(value));
const isOneOf =
  (...words: readonly string[]): Judge =>
  (value) =>
    words.includes(String(value));
const isPathList: Judge = (value) =>
  Array.isArray(value) && value.every((one) => typeof one === 'string' && one.startsWith('/'));
const isDuration: Judge = (value) => {
  if (typeof value !== 'object' || value === null) return false;
  const { duration, ...rest } = value as Readonly<Record<string, unknown>>;
  const milliseconds = Number(duration) * 1000;
  const isExact = Math.abs(milliseconds - Math.round(milliseconds)) < 1e-6;
  return typeof duration === 'number' && isExact && Object.keys(rest).length === 0;
};

/** Fields of a task callback (contract §3). */
const TASK_FIELDS: Readonly<Record<string, Judge>> = {
  job_id: isId,
  task_id: isId,
  task_name: isText,
  workflow: isOneOf('vodstream'),
  event: isOneOf('start', 'complete', 'fail'),
  content_id: isText,
  message: (value) => typeof value === 'string',
  time: isTime,
  client: isText,
};

/** Fields of every job callback (contract §3). */
const JOB_FIELDS: Readonly<Record<string, Judge>> = {
  job_id: isId,
  status: isOneOf('completed', 'failed'),
  workflow: isOneOf('vodstream'),
  content_id: isText,
  client: isText,
  time: isTime,
  custom_data: () => true,
  message: isText,
};

/** What `vodstream` adds to it where it succeeded. */
const RESULT_FIELDS: Readonly<Record<string, Judge>> = { files: isPathList, metadata: isDuration };

function fieldFaults(
  body: Readonly<Record<string, unknown>>,
  fields: Readonly<Record<string, Judge>>,
): readonly string[] {
  const names = new Set([...Object.keys(fields), ...Object.keys(body)]);
  return [...names].flatMap((name) => {
    const judge = fields[name];
    if (judge === undefined) return [`${name} is not documented`];
    if (!Object.hasOwn(body, name)) return [`${name} is missing`];
    return judge(body[name]) ? [] : [`${name} is ${JSON.stringify(body[name])}`];
  });
}

function bodyFaults(text: string): readonly string[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return ['the body is not JSON'];
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return ['no JSON object'];
  const given = body as Readonly<Record<string, unknown>>;
  if ('task_id' in given) return fieldFaults(given, TASK_FIELDS);
  const isCompleted = given['status'] === 'completed';
  return fieldFaults(given, isCompleted ? { ...JOB_FIELDS, ...RESULT_FIELDS } : JOB_FIELDS);
}

/** What is wrong with a request, by the documentation of the original; empty where nothing is. */
export function requestFaults(
  request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>,
  text: string,
): readonly string[] {
  const { headers, method, url } = request;
  return [
    ...(method === 'POST' ? [] : [`the method is ${method}`]),
    ...(CONTROL_HUB_PATHS.some((path) => path === url) ? [] : [`the path is ${url}`]),
    ...(headers['content-type'] === 'application/json'
      ? []
      : [`the content type is ${headers['content-type']}`]),
    ...(headers['content-encoding'] === undefined ? [] : ['the body is encoded']),
    ...(Number(headers['content-length']) === Buffer.byteLength(text) ? [] : ['the length is off']),
    ...bodyFaults(text),
  ];
}

/** A request as the Control Hub saw it. */
export interface HubRequest {
  readonly path: string;
  readonly text: string;
  readonly faults: readonly string[];
}

/** A receiver that takes what the original sent, and answers 400 to anything else. */
export class ControlHub {
  readonly requests: HubRequest[] = [];
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const faults = requestFaults(request, text);
      this.requests.push({ path: request.url ?? '', text, faults });
      response.writeHead(faults.length === 0 ? 200 : 400).end(faults.join('; '));
    });
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** The URLs of both web-hooks. */
  urls(): readonly string[] {
    const { port } = this.#server.address() as AddressInfo;
    return CONTROL_HUB_PATHS.map((path) => `http://127.0.0.1:${port}${path}`);
  }

  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }
}
