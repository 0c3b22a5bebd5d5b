/** The workflows of the contract that this version runs, by their contract names. */
export const RECIPES = ['vodstream', 'voddelete', 'asset_delete'] as const;

/** One of {@link RECIPES}, which clients submit. */
export type Recipe = (typeof RECIPES)[number];

/** Recipes of the engine itself, whose jobs are made by a request of their own. */
export const OWN_RECIPES = ['undo_publish'] as const;

/** One of {@link OWN_RECIPES}. */
export type OwnRecipe = (typeof OWN_RECIPES)[number];

/** Whether a workflow can be submitted. */
export const isSubmittable = (workflow: string): workflow is Recipe =>
  (RECIPES as readonly string[]).includes(workflow);

/** Whether a workflow type is a job's, not one of those that the engine runs for all. */
export const isRecipe = (workflowType: string): workflowType is Recipe | OwnRecipe =>
  isSubmittable(workflowType) || (OWN_RECIPES as readonly string[]).includes(workflowType);
