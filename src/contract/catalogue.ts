import { isRecipe, isSubmittable, RECIPES } from '../domain/recipes.ts';
import { shorten } from './fault.ts';

/** Every workflow of the catalogue; this version runs {@link RECIPES}. */
const CATALOGUE: readonly string[] = [
  'vodstream',
  'vodcapture',
  'voddelete',
  'drmswitch',
  'createmp4',
  'build_thumbnails',
  'vodremix',
  'generate_gif',
  'capture_frame',
  'asset_delete',
  'trickplay',
  'vodnpvr',
  'mediatailor_channel_assembly',
  'mediatailor_channel_state',
];

/** Why a workflow cannot be asked for, or undefined where it can. */
export function workflowFault(name: string): string | undefined {
  if (isSubmittable(name)) return undefined;
  const available = `available: ${RECIPES.join(', ')}`;
  if (isRecipe(name)) return `workflow "${name}" is not submitted; ask by POST /jobs/:id/undo`;
  return CATALOGUE.includes(name)
    ? `workflow "${name}" is not available in this version; ${available}`
    : `there is no workflow "${shorten(name)}"; ${available}`;
}
