import type { Recipe } from '../domain/recipes.ts';
import { isRecipe, RECIPES } from '../domain/recipes.ts';
import { WorkError } from '../domain/failure.ts';
import type { RecipeInput, RecipeJob, StorageDefaults } from './recipe-input.ts';
import { vodstreamInput } from './vodstream.ts';
import {
  VODSTREAM_NOT_YET,
  VODSTREAM_WITHOUT_EFFECT,
  VodstreamParameters,
} from './vodstream-parameters.ts';

/** What the wire knows of a recipe. */
export interface RecipeContract {
  readonly parameters: typeof VodstreamParameters;
  /** Parameters that are kept and change nothing. */
  readonly withoutEffect: readonly string[];
  /** Switches whose feature this version lacks. */
  readonly notYet: readonly string[];
  readonly toInput: (job: RecipeJob, defaults: StorageDefaults) => RecipeInput;
}

/** The contract of each recipe, by its name. */
export const RECIPE_CONTRACTS: Readonly<Record<Recipe, RecipeContract>> = {
  vodstream: {
    parameters: VodstreamParameters,
    withoutEffect: VODSTREAM_WITHOUT_EFFECT,
    notYet: VODSTREAM_NOT_YET,
    toInput: vodstreamInput,
  },
};

/** What a job's workflow is started with. Throws a WorkError `InvalidInput` where it cannot be made. */
export function recipeInput(job: RecipeJob, defaults: StorageDefaults): RecipeInput {
  if (!isRecipe(job.workflow)) {
    throw new WorkError(
      'InvalidInput',
      `workflow "${job.workflow}" is not available in this version; available: ${RECIPES.join(', ')}`,
    );
  }
  return RECIPE_CONTRACTS[job.workflow].toInput(job, defaults);
}
