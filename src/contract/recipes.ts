import type { Recipe } from '../domain/recipes.ts';
import { isRecipe, RECIPES } from '../domain/recipes.ts';
import { WorkError } from '../domain/failure.ts';
import type { RecipeInput, RecipeJob, StorageDefaults } from './recipe-input.ts';
import { planVodstream, type RecipePlan } from './plan.ts';
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
  /** What the workflow will do with that input. */
  readonly plan: (job: RecipeJob, defaults: StorageDefaults) => RecipePlan;
}

/** The contract of each recipe, by its name. */
export const RECIPE_CONTRACTS: Readonly<Record<Recipe, RecipeContract>> = {
  vodstream: {
    parameters: VodstreamParameters,
    withoutEffect: VODSTREAM_WITHOUT_EFFECT,
    notYet: VODSTREAM_NOT_YET,
    toInput: vodstreamInput,
    plan: (job, defaults) => planVodstream(vodstreamInput(job, defaults)),
  },
};

/** What a job's workflow is started with. Throws a WorkError `InvalidInput` where it cannot be made. */
export const recipeInput = (job: RecipeJob, defaults: StorageDefaults): RecipeInput =>
  contractOf(job.workflow).toInput(job, defaults);

/** What a job's workflow will do. Throws as {@link recipeInput} does. */
export const planJob = (job: RecipeJob, defaults: StorageDefaults): RecipePlan =>
  contractOf(job.workflow).plan(job, defaults);

function contractOf(workflow: string): RecipeContract {
  if (isRecipe(workflow)) return RECIPE_CONTRACTS[workflow];
  throw new WorkError(
    'InvalidInput',
    `workflow "${workflow}" is not available in this version; available: ${RECIPES.join(', ')}`,
  );
}
