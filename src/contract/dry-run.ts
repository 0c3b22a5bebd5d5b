import { z } from 'zod';
import { SEVERITIES } from '../domain/severity.ts';
import { STORAGE_KINDS } from '../domain/storage-kind.ts';
import type { NewJob } from '../store/jobs.ts';
import type { RecipePlan } from './plan.ts';

const storage = z.enum(STORAGE_KINDS);
const bytes = z.int().min(0).describe('Bytes');

/** Files that an answer names; `count` and `size` are those of all. */
export const MOST_FILES = 1000;

/** The answer to a submission with `dry_run=1`: what the job would be and do. */
export const DryRunJson = z
  .object({
    result: z.literal('valid'),
    workflow: z.string(),
    content_id: z.string().nullable(),
    priority: z.int().describe('1 first, 10 last'),
    queue_state: z.enum(['queued', 'scheduled']).describe('State that the job would begin in'),
    run_at: z.iso.datetime({ precision: 3 }).nullable(),
    source: z
      .object({
        storage,
        folder: z.string().describe('Full path, as the storage spells it'),
        count: z.int().describe('Files that the job would work on'),
        size: bytes,
        files: z
          .array(z.object({ name: z.string(), kind: z.enum(['media', 'captions']), size: bytes }))
          .describe(`The first ${MOST_FILES} of them, by name`),
      })
      .optional()
      .describe('What is there now. Of a job that makes an asset'),
    output: z.object({ storage, folder: z.string().describe('Full path') }).optional(),
    deletes: z
      .object({
        storage,
        folder: z.string().nullable().describe('Full path; null where single files are named'),
        count: z.int().describe('Files that the job would delete'),
        size: bytes,
        files: z
          .array(z.object({ name: z.string().describe('Full path'), size: bytes }))
          .describe(`The first ${MOST_FILES} of them`),
      })
      .optional()
      .describe('What is there now. Of a job that deletes'),
    tasks: z
      .array(z.object({ name: z.string(), queue: z.string() }))
      .describe('In the order in which they begin; some run side by side'),
    notes: z
      .array(z.object({ severity_description: z.enum(SEVERITIES), message: z.string() }))
      .describe("What the job's log would begin with, warnings among it"),
  })
  .meta({ id: 'DryRun' });

/** {@link DryRunJson} as it goes out. */
export type DryRunJson = z.infer<typeof DryRunJson>;

/** What was found where the job would read and write. */
export interface FoundSources {
  readonly kind: 'make';
  readonly sourceFolder: string;
  readonly outputFolder: string;
  readonly files: readonly {
    readonly name: string;
    readonly role: 'media' | 'captions';
    readonly sizeBytes: number;
  }[];
}

/** What was found that the job would delete. */
export interface FoundDeletions {
  readonly kind: 'delete';
  /** Full path; null where single files are named. */
  readonly folder: string | null;
  /** Full paths. */
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
}

/** What was found in the folders of a plan. */
export type FoundFolders = FoundSources | FoundDeletions;

const totalBytes = (files: readonly { readonly sizeBytes: number }[]): number =>
  files.reduce((sum, file) => sum + file.sizeBytes, 0);

function foldersOf(
  plan: RecipePlan,
  found: FoundFolders,
): Pick<DryRunJson, 'source' | 'output' | 'deletes'> {
  const counted = { count: found.files.length, size: totalBytes(found.files) };
  if (plan.kind === 'make' && found.kind === 'make') {
    const files = found.files
      .slice(0, MOST_FILES)
      .map(({ name, role, sizeBytes }) => ({ name, kind: role, size: sizeBytes }));
    return {
      source: { storage: plan.source.storage, folder: found.sourceFolder, ...counted, files },
      output: { storage: plan.output.storage, folder: found.outputFolder },
    };
  }
  if (plan.kind === 'delete' && found.kind === 'delete') {
    const files = found.files
      .slice(0, MOST_FILES)
      .map(({ path, sizeBytes }) => ({ name: path, size: sizeBytes }));
    return { deletes: { storage: plan.storage, folder: found.folder, ...counted, files } };
  }
  throw new TypeError(`a plan to ${plan.kind} was answered with what there is to ${found.kind}`);
}

/** Puts the answer together. */
export function toDryRunJson(job: NewJob, plan: RecipePlan, found: FoundFolders): DryRunJson {
  return {
    result: 'valid',
    workflow: job.workflow,
    content_id: job.contentId,
    priority: job.priority,
    queue_state: job.state,
    run_at: job.runAt?.toISOString() ?? null,
    ...foldersOf(plan, found),
    tasks: plan.tasks.map(({ name, queue }) => ({ name, queue })),
    notes: job.notes.map(({ severity, message }) => ({ severity_description: severity, message })),
  };
}
