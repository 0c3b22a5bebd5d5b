import { z } from 'zod';
import { parseCallbackId } from '../domain/callback.ts';
import { lenientBoolean, text } from './lenient.ts';
import { Moment } from './moment.ts';

const client = text.optional().describe('The client, where the header client is missing');
const url = z
  .string({ error: 'must be a URL' })
  // Postgres takes no NUL
  .refine((one) => !one.includes('\u0000'), 'must be a URL')
  .optional()
  .describe('Only this URL, spelled as in the ledger');
const force = lenientBoolean.default(false).describe('Those that were delivered as well');

/** The body of `POST /jobs/:id/callbacks/replay`; an empty one takes all that was not delivered. */
export const JobReplay = z
  .strictObject({
    client,
    event: z
      .string({ error: 'must be the id of an event' })
      .transform((id, context) => {
        const event = parseCallbackId(id);
        if (event !== undefined) return event;
        context.addIssue({ code: 'custom', message: 'must be the id of an event, te_42_3_start' });
        return z.NEVER;
      })
      .optional()
      .meta({ type: 'string', example: 'te_42_3_start' })
      .describe('Only this event'),
    url,
    force,
  })
  .meta({ id: 'JobReplay', example: { url: 'https://cms.example.com/task-engine' } });

/** The body of `POST /callbacks/replay`: all jobs of the client within a range of time. */
export const RangeReplay = z
  .strictObject({
    client,
    from: Moment.describe('Events from this time on. UTC'),
    to: Moment.optional().describe('Events before this time. Default: now'),
    url,
    force,
  })
  .meta({ id: 'RangeReplay', example: { from: '2030-01-31T00:00:00.000' } });

/** The answer to a replay. */
export const ReplayAnswer = z
  .object({
    result: z.literal('ok'),
    replayed: z.int().describe('Callbacks that will be sent again, under their ids'),
    hurried: z.int().describe('Callbacks that waited for their next attempt, which is made now'),
    more: z.boolean().describe('There are more than one call takes: send it again'),
  })
  .meta({ id: 'Replay', example: { result: 'ok', replayed: 3, hurried: 1, more: false } });
