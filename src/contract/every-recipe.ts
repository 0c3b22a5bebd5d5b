import { z } from 'zod';
import { STORAGE_KINDS } from '../domain/storage-kind.ts';
import { text } from './lenient.ts';

/** Name of a storage of the contract (§6). */
export const storageKind = z.enum(STORAGE_KINDS, {
  error: `must be one of ${STORAGE_KINDS.join(', ')}`,
});

/** Parameters that every workflow takes beside its `content_id` (workflow catalogue). */
export const everyRecipe = {
  rest_endpoints: z
    .array(z.string({ error: 'must hold URLs' }), { error: 'must be an array of URLs' })
    .default([])
    .describe('URLs that get every callback of the job, 20 at most; http or https'),
  custom_data: z
    .unknown()
    .optional()
    .describe('Any JSON; comes back byte for byte in the job callback'),
};

/** The client's own key for the content. */
export const contentId = text
  .meta({ example: 'movie-42' })
  .describe("The client's own key for the content; it is in every callback");

/** What is known of the parameters of any recipe. */
export interface RecipeParameters {
  readonly content_id?: string | undefined;
  readonly rest_endpoints: readonly string[];
  readonly [name: string]: unknown;
}
