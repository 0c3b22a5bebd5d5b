import { callbackHeaderContext } from '../../src/domain/callback-headers.ts';
import { storageSecretContext } from '../../src/domain/storage-settings.ts';
import { insertAudit } from '../../src/store/audit.ts';
import { listKeptHeaders, replaceHeaderSeal } from '../../src/store/callback-headers.ts';
import { inTransaction } from '../../src/store/db.ts';
import { listTenantStorages, replaceStorageSeal } from '../../src/store/tenant-storages.ts';
import type { Command } from '../command.ts';
import { ACTOR } from '../tenant.ts';

/** `reseal`: the second half of changing `SECRETS_KEY`. */
export const reseal: Command = {
  name: 'reseal',
  usage: '',
  summary: 'seal all secrets anew with the first key of SECRETS_KEY',
  details: [
    'To change the key: put a new one before the old (SECRETS_KEY=new,old) for api, worker and this',
    'command, run reseal, then take the old one away. All or nothing: a secret that no key opens is named.',
  ],
  options: {},
  words: [0, 0],
  run: async ({ db, secrets }) => {
    const count = await inTransaction(db, async (transaction) => {
      const again = (sealed: string, context: string): string =>
        secrets.seal(secrets.open(sealed, context), context);
      const headers = await listKeptHeaders(transaction);
      for (const header of headers) {
        const context = callbackHeaderContext(header.tenantId, header.name);
        await replaceHeaderSeal(transaction, header, again(header.sealed, context));
      }
      const storages = await listTenantStorages(transaction, null);
      for (const one of storages) {
        if (one.sealed === null) continue;
        const context = storageSecretContext(one.tenantId, one.settings.kind, one.side);
        await replaceStorageSeal(transaction, one, again(one.sealed, context));
      }
      const sealed = headers.length + storages.filter((one) => one.sealed !== null).length;
      await insertAudit(transaction, {
        tenantId: null,
        actor: ACTOR,
        action: 'secrets.reseal',
        detail: { count: sealed },
      });
      return sealed;
    });
    return { text: `${count} secrets are sealed with the first key.`, json: { resealed: count } };
  },
};
