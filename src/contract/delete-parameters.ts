import { z } from 'zod';
import { contentId, everyRecipe, storageKind } from './every-recipe.ts';
import { text } from './lenient.ts';

const where = {
  output_root: text.optional().describe('Folder put before it'),
  source_storage: storageKind
    .optional()
    .describe(
      "Where the asset is. Default: the client's storage of results, else of sources. destination_storage has no effect",
    ),
};

/** It names the storage where an asset is made; who sends it here may mean `source_storage`. */
export const DELETES_WITHOUT_EFFECT = ['destination_storage'] as const;

/** Parameters of `voddelete` (workflow catalogue). Whatever else a client sends is kept and returned. */
export const VoddeleteParameters = z
  .looseObject({
    content_id: contentId.optional(),
    ...everyRecipe,
    folder: text
      .meta({ example: 'vod/movie-42' })
      .describe(
        "Folder below the client's output root, which is left out. It goes with all that is in it, folders too",
      ),
    ...where,
  })
  .meta({ id: 'VoddeleteParameters' });

/** {@link VoddeleteParameters} as they come out of the schema. */
export type VoddeleteParameters = z.infer<typeof VoddeleteParameters>;

/** Most files of one `asset_delete`: what an array of a submission may hold. */
const MOST_FILES = 5000;

/** Parameters of `asset_delete` (workflow catalogue). Whatever else a client sends is kept and returned. */
export const AssetDeleteParameters = z
  .looseObject({
    content_id: contentId,
    ...everyRecipe,
    files: z
      .array(text, { error: 'must be an array of files' })
      .min(1, 'is empty; name the files to delete')
      .max(MOST_FILES, `holds more than ${MOST_FILES} files; send several jobs`)
      .meta({ example: ['vod/movie-42/movie-42.mp4'] })
      .describe("Files below the client's output root, which is left out, with their folders"),
    ...where,
  })
  .meta({ id: 'AssetDeleteParameters' });

/** {@link AssetDeleteParameters} as they come out of the schema. */
export type AssetDeleteParameters = z.infer<typeof AssetDeleteParameters>;
