import type { ContainerClient } from '@azure/storage-blob';
import { calling } from './azure-client.ts';
import { folderOf } from './paths.ts';

/**
 * Removes blocks that were sent of blobs which do not exist, so that nobody can make blobs of them any
 * more: an empty blob takes them away, and goes itself at once.
 */
export async function dropUncommitted(
  container: ContainerClient,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const abort = signal === undefined ? {} : { abortSignal: signal };
  for (const [folder, inside] of Map.groupBy(keys, folderOf)) {
    const prefix = folder === '' ? '' : `${folder}/`;
    const list = (includeUncommitedBlobs: boolean): Promise<ReadonlySet<string>> =>
      calling(`listing uploads below ${prefix}`, async () => {
        const names = new Set<string>();
        const pages = container.listBlobsByHierarchy('/', {
          prefix,
          includeUncommitedBlobs,
          ...abort,
        });
        for await (const item of pages) if (item.kind === 'blob') names.add(item.name);
        return names;
      });
    const [all, whole] = [await list(true), await list(false)];
    for (const key of inside.filter((one) => all.has(one) && !whole.has(one))) {
      const blob = container.getBlockBlobClient(key);
      await calling(`deleting ${key}`, async () => {
        await blob.commitBlockList([], { conditions: { ifNoneMatch: '*' }, ...abort });
        await blob.deleteIfExists(abort);
      });
    }
  }
}
