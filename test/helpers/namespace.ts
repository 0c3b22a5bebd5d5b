import { randomUUID } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { inject } from 'vitest';

/** Registers a Temporal namespace of its own for a test file and waits until it can be used. */
export async function createTestNamespace(): Promise<string> {
  const namespace = `test-${randomUUID()}`;
  const connection = await Connection.connect({ address: inject('services').temporalAddress });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: (24 * 3600) as never },
    });
    for (let tries = 0; ; tries++) {
      try {
        await connection.workflowService.listOpenWorkflowExecutions({
          namespace,
          maximumPageSize: 1,
        });
        return namespace;
      } catch (error) {
        if (tries > 150) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  } finally {
    await connection.close();
  }
}
