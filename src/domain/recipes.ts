/** The workflows of the contract that this version runs, by their contract names. */
export const RECIPES = ['vodstream', 'voddelete', 'asset_delete'] as const;

/** One of {@link RECIPES}. */
export type Recipe = (typeof RECIPES)[number];

/** Whether a workflow type is a recipe of the contract, not one of the engine's own workflows. */
export function isRecipe(workflowType: string): workflowType is Recipe {
  return (RECIPES as readonly string[]).includes(workflowType);
}
