import type { z } from 'zod';
import { WorkError } from '../domain/failure.ts';
import type { FolderClaims } from '../domain/folder-claims.ts';
import { isSubmittable, type OwnRecipe, type Recipe, RECIPES } from '../domain/recipes.ts';
import type { StorageKind } from '../domain/storage-kind.ts';
import type { StorageSide } from '../domain/storage-settings.ts';
import { folderOf } from '../storage/paths.ts';
import {
  AssetDeleteParameters,
  DELETES_WITHOUT_EFFECT,
  VoddeleteParameters,
} from './delete-parameters.ts';
import { assetDeleteFiles, assetDeleteInput, voddeleteInput } from './deletes.ts';
import type { RecipeParameters } from './every-recipe.ts';
import { type PlaceOf, type RecipeClaims, resolveClaims } from './job-claims.ts';
import { planAssetDelete, planVoddelete, planVodstream, type RecipePlan } from './plan.ts';
import type { RecipeInput, RecipeJob, StorageDefaults } from './recipe-input.ts';
import { undoPublishInput } from './undo-publish.ts';
import { vodstreamFault, vodstreamInput } from './vodstream.ts';
import {
  VODSTREAM_NOT_YET,
  VODSTREAM_WITHOUT_EFFECT,
  VodstreamParameters,
} from './vodstream-parameters.ts';

/** A storage that a job uses, and the parameter that names it. */
export interface UsedStorage {
  readonly kind: StorageKind;
  readonly side: StorageSide;
  readonly field: string;
}

/** What a job will use of its tenant's storages. */
export interface RecipeUse {
  readonly storages: readonly UsedStorage[];
  readonly claims: RecipeClaims;
}

/** What the wire knows of a recipe. */
export interface RecipeContract {
  readonly parameters: z.ZodType<RecipeParameters>;
  /** Parameters that are kept and change nothing. */
  readonly withoutEffect: readonly string[];
  /** Switches whose feature this version lacks. */
  readonly notYet: readonly string[];
  /** Why a job with these parameters cannot be run as asked, or undefined where it can. */
  readonly faultOf: (parameters: RecipeParameters) => string | undefined;
  readonly toInput: (job: RecipeJob, defaults: StorageDefaults) => RecipeInput;
  /** What the workflow will use with its input, which is made once for both: every submission asks. */
  readonly uses: (job: RecipeJob, defaults: StorageDefaults) => RecipeUse;
  /** What the workflow will do with that input. */
  readonly plan: (job: RecipeJob, defaults: StorageDefaults) => RecipePlan;
}

/** Ties what a recipe makes of its parameters and its input to the types of both. */
function defineRecipe<Parameters extends RecipeParameters, Input extends RecipeInput>(recipe: {
  readonly parameters: z.ZodType<Parameters>;
  readonly withoutEffect?: readonly string[];
  readonly notYet?: readonly string[];
  readonly faultOf?: (parameters: Parameters) => string | undefined;
  readonly toInput: (job: RecipeJob, defaults: StorageDefaults) => Input;
  readonly storages: (input: Input) => readonly UsedStorage[];
  readonly plan: (input: Input, job: RecipeJob) => RecipePlan;
  readonly claims: (input: Input, job: RecipeJob) => RecipeClaims;
}): RecipeContract {
  const { toInput, faultOf } = recipe;
  return {
    parameters: recipe.parameters,
    withoutEffect: recipe.withoutEffect ?? [],
    notYet: recipe.notYet ?? [],
    // always called with what the recipe's own schema made
    faultOf: (parameters) => faultOf?.(parameters as Parameters),
    toInput,
    uses: (job, defaults) => {
      const input = toInput(job, defaults);
      return { storages: recipe.storages(input), claims: recipe.claims(input, job) };
    },
    plan: (job, defaults) => recipe.plan(toInput(job, defaults), job),
  };
}

/** The contract of each recipe, by its name. */
export const RECIPE_CONTRACTS: Readonly<Record<Recipe, RecipeContract>> = {
  vodstream: defineRecipe({
    parameters: VodstreamParameters,
    withoutEffect: VODSTREAM_WITHOUT_EFFECT,
    notYet: VODSTREAM_NOT_YET,
    faultOf: vodstreamFault,
    toInput: vodstreamInput,
    storages: ({ sourceStorage, destinationStorage }) => [
      { kind: sourceStorage, side: 'input', field: 'source_storage' },
      { kind: destinationStorage, side: 'output', field: 'destination_storage' },
    ],
    plan: planVodstream,
    claims: (input) => ({
      writes: [{ kind: input.destinationStorage, side: 'output', folder: input.outputFolder }],
      reads: [{ kind: input.sourceStorage, side: 'input', folder: input.sourceFolder }],
      clears: input.emptyTarget,
    }),
  }),
  voddelete: defineRecipe({
    parameters: VoddeleteParameters,
    withoutEffect: DELETES_WITHOUT_EFFECT,
    toInput: voddeleteInput,
    storages: ({ storage }) => [{ kind: storage, side: 'output', field: 'source_storage' }],
    plan: planVoddelete,
    claims: ({ storage, folder }) => ({
      writes: [{ kind: storage, side: 'output', folder }],
      reads: [],
      clears: true,
    }),
  }),
  asset_delete: defineRecipe({
    parameters: AssetDeleteParameters,
    withoutEffect: DELETES_WITHOUT_EFFECT,
    toInput: assetDeleteInput,
    storages: ({ storage }) => [{ kind: storage, side: 'output', field: 'source_storage' }],
    plan: (input, job) => planAssetDelete(input, assetDeleteFiles(job.parameters).keys),
    claims: ({ storage }, job) => ({
      writes: foldersOf(assetDeleteFiles(job.parameters).keys).map((folder) => ({
        kind: storage,
        side: 'output',
        folder,
      })),
      reads: [],
      clears: false,
    }),
  }),
};

const OWN_INPUTS: Readonly<Record<OwnRecipe, (job: RecipeJob) => RecipeInput>> = {
  undo_publish: undoPublishInput,
};

const foldersOf = (keys: readonly string[]): readonly string[] => [...new Set(keys.map(folderOf))];

/** What a job's workflow is started with. Throws a WorkError `InvalidInput` where it cannot be made. */
export const recipeInput = (job: RecipeJob, defaults: StorageDefaults): RecipeInput =>
  Object.hasOwn(OWN_INPUTS, job.workflow)
    ? OWN_INPUTS[job.workflow as OwnRecipe](job)
    : contractOf(job.workflow).toInput(job, defaults);

/** What a job's workflow will do. Throws as {@link recipeInput} does. */
export const planJob = (job: RecipeJob, defaults: StorageDefaults): RecipePlan =>
  contractOf(job.workflow).plan(job, defaults);

/** The folders that a job will use, with the tenant's roots. Throws as {@link recipeInput} and `placeOf` do. */
export const jobClaims = (
  job: RecipeJob,
  defaults: StorageDefaults,
  placeOf: PlaceOf,
): FolderClaims => resolveClaims(contractOf(job.workflow).uses(job, defaults).claims, placeOf);

function contractOf(workflow: string): RecipeContract {
  if (isSubmittable(workflow)) return RECIPE_CONTRACTS[workflow];
  throw new WorkError(
    'InvalidInput',
    `workflow "${workflow}" is not available in this version; available: ${RECIPES.join(', ')}`,
  );
}
