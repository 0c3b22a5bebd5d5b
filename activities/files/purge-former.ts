import { orderDeletions } from '../../src/domain/deletion-order.ts';
import type { Storages } from '../../src/storage/storages.ts';
import type { RestorationPort } from './restoration.ts';

/** Deletes the files of a publication that is not put back any more, but for those that others need. */
export async function purgeFormer(
  deps: { readonly storages: Storages; readonly restoration: RestorationPort },
  formerId: number,
): Promise<void> {
  await deps.restoration.purge(formerId, async ({ former, keys }) => {
    const { tenant, storage: kind } = former;
    const storage = await deps.storages.open({ tenant, kind, side: 'output' });
    for (const group of orderDeletions(keys)) await storage.delete(group);
  });
}
