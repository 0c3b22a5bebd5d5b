import type { FoundFolders } from '../../src/contract/dry-run.ts';
import type { RecipePlan } from '../../src/contract/plan.ts';
import { findSources } from '../../src/media/source/find-sources.ts';
import { locationOf } from '../../src/storage/location.ts';
import { fileNameOf } from '../../src/storage/paths.ts';
import type { Storages } from '../../src/storage/storages.ts';
import type { Db } from '../../src/store/db.ts';
import { listPublishedFiles } from '../../src/store/publications.ts';
import type { Tenant } from '../../src/store/tenants.ts';

/** Looks into the folders of a plan as its job would. Throws WorkErrors, as the tasks do. */
export type SourceLookup = (tenant: Tenant, plan: RecipePlan) => Promise<FoundFolders>;

/** Makes a {@link SourceLookup} over the server's storages. */
export function createSourceLookup(deps: {
  readonly db: Db;
  readonly storages: Storages;
}): SourceLookup {
  const { storages } = deps;
  return async (tenant, plan) => {
    const source = await storages.open({
      tenant: tenant.name,
      kind: plan.source.storage,
      side: 'input',
    });
    const output = await storages.open({
      tenant: tenant.name,
      kind: plan.output.storage,
      side: 'output',
    });
    const { folder, asset } = plan.source;
    const [listed, published] = await Promise.all([
      source.list(folder),
      listPublishedFiles(deps.db, tenant.name, locationOf(source, folder)),
    ]);
    const sizes = new Map(listed.map((file) => [fileNameOf(file.key), file.sizeBytes]));
    const sources = findSources({
      names: [...sizes.keys()],
      published: new Set(published.map(fileNameOf)),
      asset,
      fullPath: source.fullPath(folder),
    });
    return {
      sourceFolder: source.fullPath(folder),
      outputFolder: output.fullPath(plan.output.folder),
      files: sources.map(({ name, role }) => ({ name, role, sizeBytes: sizes.get(name) ?? 0 })),
    };
  };
}
