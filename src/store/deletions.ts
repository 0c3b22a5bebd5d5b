import { sql } from 'kysely';
import type { JobResult } from '../domain/callback.ts';
import type { Db } from './db.ts';
import { setJobResult } from './publications.ts';

/**
 * Sets what a job will tell, its files added to those that it tells already, and returns how many that are
 * together. The caller holds the lock of the job's task.
 */
export async function addJobFiles(
  transaction: Db,
  jobId: number,
  result: JobResult & { readonly files: readonly string[] },
): Promise<number> {
  const { rows } = await sql<{ result: JobResult | null }>`
    SELECT result FROM jobs WHERE id = ${jobId}`.execute(transaction);
  const files = [...new Set([...(rows[0]?.result?.files ?? []), ...result.files])];
  await setJobResult(transaction, jobId, { ...result, files });
  return files.length;
}
