import { z } from 'zod';
import { callbackId } from '../domain/callback.ts';
import { DELIVERY_STATES } from '../domain/delivery-outcome.ts';
import { joinObject } from '../domain/raw-json.ts';
import { taskId } from '../domain/task-id.ts';
import type { LedgerAttempt, LedgerDelivery, LedgerEvent } from '../store/ledger.ts';

const time = z.iso.datetime({ precision: 3 });

const AttemptJson = z
  .object({
    time,
    milliseconds: z.int().describe('From the request to the end of its answer'),
    status: z.int().nullable().describe('HTTP status; null where there was no answer'),
    error_class: z
      .string()
      .nullable()
      .describe('Null for a success; http, or why there was no answer: timeout, refused, tls …'),
    error: z.string().nullable(),
    answer: z.string().nullable().describe('First 2 KB of the answer'),
    tls_verified: z
      .boolean()
      .nullable()
      .describe("Whether the receiver's certificate was verified; null over http"),
  })
  .meta({ id: 'CallbackAttempt' });

const DeliveryJson = z
  .object({
    url: z.string(),
    state: z
      .enum(DELIVERY_STATES)
      .describe(
        'exhausted: all attempts were made; parked: refused three times; stopped: the receiver answered 410',
      ),
    delivered_at: time.nullable(),
    next_attempt_at: time.nullable(),
    attempts: z.array(AttemptJson),
  })
  .meta({ id: 'CallbackDelivery' });

/** An event of a job with what became of it at each URL. */
export const CallbackEventJson = z
  .object({
    id: z.string().describe('The same at every attempt and for every URL: its webhook-id'),
    seq: z.int().describe('Its place in GET /events'),
    task_id: z.int().nullable().describe("Null for the job's own end"),
    created_at: time,
    body: z.unknown().describe('What is sent, as it is sent'),
    deliveries: z.array(DeliveryJson),
  })
  .meta({ id: 'CallbackEvent' });

/** The answer to `GET /jobs/:id/callbacks`. */
export const LedgerJson = z
  .object({
    job_id: z.int(),
    events: z.array(CallbackEventJson),
    next: z.int().nullable().describe('`after` of the next page, null on the last'),
  })
  .meta({ id: 'Callbacks' });

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

/** `timeout: no answer in time` is of the class timeout, `answered 500` of the class http. */
const errorClass = (error: string | null): string | null => {
  if (error === null) return null;
  return error.startsWith('answered ') ? 'http' : (/^([a-z]+): /.exec(error)?.[1] ?? 'not sent');
};

const toAttemptJson = (attempt: LedgerAttempt): z.infer<typeof AttemptJson> => ({
  time: attempt.at.toISOString(),
  milliseconds: attempt.durationMs,
  status: attempt.status,
  error_class: errorClass(attempt.error),
  error: attempt.error,
  answer: attempt.answer,
  tls_verified: attempt.isTlsVerified,
});

const toDeliveryJson = (delivery: LedgerDelivery): z.infer<typeof DeliveryJson> => ({
  url: delivery.url,
  state: delivery.state,
  delivered_at: iso(delivery.deliveredAt),
  next_attempt_at: iso(delivery.nextAttemptAt),
  attempts: delivery.attempts.map(toAttemptJson),
});

/** An event as JSON text; its body goes in as the bytes that are sent. */
export function toCallbackEventJson(event: LedgerEvent): string {
  const task = event.taskNumber === 0 ? null : taskId(event.jobId, event.taskNumber);
  return joinObject([
    ['id', JSON.stringify(callbackId(event))],
    ['seq', JSON.stringify(event.eventId)],
    ['task_id', JSON.stringify(task)],
    ['created_at', JSON.stringify(event.createdAt.toISOString())],
    ['body', event.body],
    ['deliveries', JSON.stringify(event.deliveries.map(toDeliveryJson))],
  ]);
}
