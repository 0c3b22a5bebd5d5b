import { createRoute, z } from '@hono/zod-openapi';
import { Accepted } from '../../src/contract/answers.ts';
import { DryRunJson } from '../../src/contract/dry-run.ts';
import { Submission } from '../../src/contract/submission.ts';
import {
  AssetDeleteParameters,
  VoddeleteParameters,
} from '../../src/contract/delete-parameters.ts';
import { VodstreamParameters } from '../../src/contract/vodstream-parameters.ts';
import { answers, CREDENTIALS } from './answers.ts';

const Body = Submission.extend({
  parameters: z
    .union([VodstreamParameters, VoddeleteParameters, AssetDeleteParameters])
    .describe('Those of the workflow that job.workflow names'),
}).meta({
  id: 'Submission',
  example: {
    job: { workflow: 'vodstream', priority: 3 },
    parameters: {
      content_id: 'movie-42',
      source_folder: 'incoming/movie-42',
      output_folder: 'vod/movie-42',
      rest_endpoints: ['https://cms.example.com/task-engine'],
      custom_data: { season: 1, episode: 4 },
    },
  },
});

/** The query of `POST /job`. */
export const SubmitQuery = z.object({
  dry_run: z
    .preprocess(
      (value) => (value === '' ? undefined : value),
      z
        .enum(['1', '0', 'true', 'false'], { error: 'must be 1 or 0' })
        .default('0')
        .transform((text) => text === '1' || text === 'true'),
    )
    .openapi({
      type: 'integer',
      enum: [0, 1],
      default: 0,
      description:
        '1 judges the job, looks for its source and says what it would do. Nothing is kept or started',
    }),
});

const SubmitHeaders = z.object({
  'idempotency-key': z.string().optional().openapi({
    pattern: '^[\\x21-\\x7e]{1,255}$',
    example: '6f1f0b5e-6a0e-4f4e-9f39-0c5f0a1d2b3c',
    description:
      'Names this request: sent again within 24 hours it gets the same answer and makes no second job',
  }),
});

const responses = answers(
  'The job is kept and will run; with dry_run, what it would do',
  z.union([Accepted, DryRunJson]),
  [400, 401, 409, 413, 415, 429, 503],
);

/** `POST /job` for the OpenAPI document. */
export const describeSubmit = createRoute({
  method: 'post',
  path: '/job',
  operationId: 'submitJob',
  summary: 'Submit a job',
  description:
    'Numbers and booleans sent as text are taken for what they mean; anything else of a wrong type is refused. ' +
    'Unknown parameters are kept and returned. A body has 2 MiB at most, 64 levels, 10,000 keys and 5,000 entries in an array. ' +
    'Older triggers may send the header `API-KEY` and the client in the body.',
  security: [...CREDENTIALS, { apiKey: [] }],
  request: {
    query: SubmitQuery,
    headers: SubmitHeaders,
    body: { required: true, content: { 'application/json': { schema: Body } } },
  },
  responses: {
    ...responses,
    200: {
      ...responses[200],
      headers: {
        'Idempotent-Replayed': {
          description: 'true: the job was made by an earlier request with this key',
          schema: { type: 'string', enum: ['true'] },
        },
      },
    },
  },
});
