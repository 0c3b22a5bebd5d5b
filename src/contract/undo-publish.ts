import { z } from 'zod';
import { parseParameters } from './parse-parameters.ts';
import type { RecipeJob, UndoPublishInput } from './recipe-input.ts';

/** Parameters of the jobs that `POST /jobs/:id/undo` makes. */
const UndoParameters = z.looseObject({
  content_id: z.string().optional(),
  job_id: z.int().describe('The job whose publication is taken back'),
});

/** What `undo_publish` is started with. */
export function undoPublishInput(job: RecipeJob): UndoPublishInput {
  const parameters = parseParameters(UndoParameters, job.parameters);
  return {
    jobId: job.id,
    tenant: job.tenant,
    contentId: parameters.content_id ?? null,
    undoneJobId: parameters.job_id,
  };
}
