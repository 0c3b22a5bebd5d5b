import type { JobNote } from '../store/jobs.ts';
import type { RecipeParameters } from './every-recipe.ts';
import type { RecipeContract } from './recipes.ts';
import type { JobSection } from './submission.ts';

/** What a job's log says first, in order. `names` are the parameters that the client sent. */
export function* buildJobNotes(submitted: {
  readonly section: JobSection;
  readonly parameters: RecipeParameters;
  readonly names: ReadonlySet<string>;
  readonly contract: RecipeContract;
  /** Its `run_at` lies ahead. */
  readonly isAhead: boolean;
  readonly semaphoreUrl: string | null;
}): Iterable<JobNote> {
  const { section, parameters, names, contract } = submitted;
  const content = parameters.content_id === undefined ? '' : ` of ${parameters.content_id}`;
  yield { severity: 'INFO', message: `Job accepted: ${section.workflow}${content}` };
  if (submitted.isAhead) {
    const runAt = section.run_at?.toISOString() ?? '';
    yield { severity: 'INFO', message: `Job will run at: "${runAt}"` };
  }
  if (submitted.semaphoreUrl !== null) {
    // without its query, which may hold a secret
    const shown = submitted.semaphoreUrl.replace(/\?.*$/s, '');
    yield { severity: 'INFO', message: `Job waits for its semaphore: ${shown}` };
  }
  for (const name of contract.withoutEffect) {
    if (names.has(name)) yield { severity: 'WARN', message: `${name} has no effect here` };
  }
  for (const name of contract.notYet) {
    if (parameters[name] === true) {
      yield { severity: 'WARN', message: `${name} has no effect: this version makes none` };
    }
  }
}
