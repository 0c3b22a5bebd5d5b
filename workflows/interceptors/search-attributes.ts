import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTES } from '../../src/temporal/names.ts';

/** How the job stands: `started`, then `completed`, `failed` or `cancelled`. */
export const STATE_ATTRIBUTE = defineSearchAttributeKey(
  SEARCH_ATTRIBUTES.state,
  SearchAttributeType.KEYWORD,
);
