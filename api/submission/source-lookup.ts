import type { FoundFolders } from '../../src/contract/dry-run.ts';
import type { DeletingPlan, MakingPlan, RecipePlan } from '../../src/contract/plan.ts';
import { holdsClientRoot, holdsNoFiles } from '../../src/domain/deletion-listing.ts';
import { findSources } from '../../src/media/source/find-sources.ts';
import { isFolderEntry, type StorageDriver, type StoredFile } from '../../src/storage/driver.ts';
import type { FindPlace } from '../../src/storage/find-place.ts';
import { locationOf } from '../../src/storage/location.ts';
import { fileNameOf } from '../../src/storage/paths.ts';
import { tenantsWithRootBelow } from '../../src/storage/roots-below.ts';
import type { Storages } from '../../src/storage/storages.ts';
import type { Db } from '../../src/store/db.ts';
import { listPublishedFiles } from '../../src/store/publications.ts';
import { listTenants, type Tenant } from '../../src/store/tenants.ts';

/** Looks into the folders of a plan as its job would. Throws WorkErrors, as the tasks do. */
export type SourceLookup = (tenant: Tenant, plan: RecipePlan) => Promise<FoundFolders>;

/** Makes a {@link SourceLookup} over the server's storages. */
export function createSourceLookup(deps: {
  readonly db: Db;
  readonly storages: Storages;
  readonly findPlace: FindPlace;
}): SourceLookup {
  return async ({ name: tenant }, plan) =>
    plan.kind === 'make'
      ? findInput(deps, tenant, plan)
      : findDeletions(
          deps,
          await deps.storages.open({ tenant, kind: plan.storage, side: 'output' }),
          plan,
        );
}

async function findInput(
  { db, storages }: { readonly db: Db; readonly storages: Storages },
  tenant: string,
  plan: MakingPlan,
): Promise<FoundFolders> {
  const source = await storages.open({ tenant, kind: plan.source.storage, side: 'input' });
  const output = await storages.open({ tenant, kind: plan.output.storage, side: 'output' });
  const { folder, asset } = plan.source;
  const [listed, published] = await Promise.all([
    source.list(folder),
    listPublishedFiles(db, tenant, locationOf(source, folder)),
  ]);
  const sizes = new Map(listed.map((file) => [fileNameOf(file.key), file.sizeBytes]));
  const sources = findSources({
    names: [...sizes.keys()],
    published: new Set(published.map(fileNameOf)),
    asset,
    fullPath: source.fullPath(folder),
  });
  return {
    kind: 'make',
    sourceFolder: source.fullPath(folder),
    outputFolder: output.fullPath(plan.output.folder),
    files: sources.map(({ name, role }) => ({ name, role, sizeBytes: sizes.get(name) ?? 0 })),
  };
}

async function findDeletions(
  { db, findPlace }: { readonly db: Db; readonly findPlace: FindPlace },
  storage: StorageDriver,
  plan: DeletingPlan,
): Promise<FoundFolders> {
  const files: StoredFile[] = [];
  if (plan.folder === null) {
    for (const key of plan.files) {
      const file = await storage.stat(key);
      if (file !== undefined) files.push(file);
    }
  } else {
    const location = locationOf(storage, plan.folder);
    const below = tenantsWithRootBelow(await listTenants(db), findPlace, location);
    if (below.length > 0) throw holdsClientRoot(storage.fullPath(plan.folder));
    for await (const page of storage.listBelow(plan.folder)) {
      files.push(...page.filter(({ key }) => !isFolderEntry(key)));
    }
    if (files.length === 0) throw holdsNoFiles(storage.fullPath(plan.folder));
  }
  return {
    kind: 'delete',
    folder: plan.folder === null ? null : storage.fullPath(plan.folder),
    files: files.map(({ key, sizeBytes }) => ({ path: storage.fullPath(key), sizeBytes })),
  };
}
