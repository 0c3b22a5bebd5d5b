import type { Client } from '@temporalio/client';

/** Every text in a history, payloads decoded. */
function textsIn(value: unknown): readonly string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}

/** Everything in the histories of a namespace, as text, to look for what must not be there. */
export async function dumpHistories(client: Client): Promise<string> {
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    texts.push(...textsIn(await client.workflow.getHandle(workflowId, runId).fetchHistory()));
  }
  return texts.join('\n');
}
