import { type DryRunJson, toDryRunJson } from '../../src/contract/dry-run.ts';
import { planJob } from '../../src/contract/recipes.ts';
import type { StorageDefaults } from '../../src/contract/recipe-input.ts';
import { WorkError } from '../../src/domain/failure.ts';
import type { NewJob } from '../../src/store/jobs.ts';
import type { Tenant } from '../../src/store/tenants.ts';
import { ApiError } from '../errors.ts';
import { inTime } from '../health/part.ts';
import type { SourceLookup } from './source-lookup.ts';

/** How long storage may take over its listing, milliseconds. */
const LOOKUP_MS = 10_000;

/**
 * What a valid job would do, without keeping it. Throws a 400 naming the parameter where
 * there is nothing to work on, and a 503 where the storage cannot be asked.
 */
export async function tryJob(
  lookUp: SourceLookup,
  asked: { readonly job: NewJob; readonly tenant: Tenant; readonly storage: StorageDefaults },
): Promise<DryRunJson> {
  const { job, tenant } = asked;
  const plan = planJob({ ...job, id: 0, tenant: tenant.name }, asked.storage);
  try {
    const found = await inTime(lookUp(tenant, plan), LOOKUP_MS);
    if (found !== undefined) return toDryRunJson(job, plan, found);
  } catch (error) {
    if (!(error instanceof WorkError)) throw error;
    if (error.type === 'InvalidInput') {
      const field =
        plan.kind === 'make' ? 'source_folder' : plan.folder === null ? 'files' : 'folder';
      throw new ApiError(400, `parameters.${field}: ${error.message}`, {}, { cause: error });
    }
    throw new ApiError(503, error.message, {}, { cause: error });
  }
  const silent = plan.kind === 'make' ? plan.source.storage : plan.storage;
  throw new ApiError(503, `${silent} did not answer within ${LOOKUP_MS / 1000} s`);
}
