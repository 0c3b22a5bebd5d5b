import { z } from 'zod';
import { callbackId } from '../domain/callback.ts';
import { joinObject } from '../domain/raw-json.ts';
import type { FeedEvent } from '../store/event-feed.ts';

const FeedEventJson = z
  .object({
    seq: z.int().describe('Grows, with gaps'),
    id: z.string().describe('The same as the webhook-id of its callbacks'),
    body: z.unknown().describe("The callback's body"),
  })
  .meta({ id: 'FeedEvent' });

/** The answer to `GET /events`. */
export const FeedJson = z
  .object({
    events: z.array(FeedEventJson),
    next: z.int().describe('`after` of the next request; it may move on without events'),
  })
  .meta({ id: 'Feed' });

/** An event of the feed as JSON text; its body goes in as it is sent to URLs. */
export const toFeedEventJson = (event: FeedEvent): string =>
  joinObject([
    ['seq', JSON.stringify(event.seq)],
    ['id', JSON.stringify(callbackId(event))],
    ['body', event.body],
  ]);
