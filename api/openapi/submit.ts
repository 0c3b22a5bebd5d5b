import { createRoute } from '@hono/zod-openapi';
import { Accepted } from '../../src/contract/answers.ts';
import { Submission } from '../../src/contract/submission.ts';
import { VodstreamParameters } from '../../src/contract/vodstream-parameters.ts';
import { answers, CREDENTIALS } from './answers.ts';

const Body = Submission.extend({ parameters: VodstreamParameters }).meta({
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
  request: { body: { required: true, content: { 'application/json': { schema: Body } } } },
  responses: answers('The job is kept and will run', Accepted, [400, 401, 413, 415]),
});
