import { assertNever } from '../../src/domain/assert-never.ts';
import { callbackHeaderContext } from '../../src/domain/callback-headers.ts';
import { certificateContext, signingContext } from '../../src/domain/callback-secrets.ts';
import { storageSecretContext } from '../../src/domain/storage-settings.ts';
import { insertAudit } from '../../src/store/audit.ts';
import { inTransaction } from '../../src/store/db.ts';
import { listSealedValues, replaceSeal, type SealedPlace } from '../../src/store/sealed-values.ts';
import type { Command } from '../command.ts';
import { ACTOR } from '../tenant.ts';

/** What a value was sealed for. */
function contextOf(value: SealedPlace): string {
  switch (value.place) {
    case 'callback header':
      return callbackHeaderContext(value.tenantId, value.name);
    case 'signing secret':
      return signingContext(value.tenantId);
    case 'client certificate':
      return certificateContext(value.tenantId);
    case 'storage':
      return storageSecretContext(value.tenantId, value.kind, value.side);
    default:
      return assertNever(value);
  }
}

/** `reseal`: the second half of changing `SECRETS_KEY`. */
export const reseal: Command = {
  name: 'reseal',
  usage: '',
  summary: 'seal all secrets anew with the first key of SECRETS_KEY',
  details: [
    'To change the key: put a new one before the old (SECRETS_KEY=new,old) for api, worker and this',
    'command, run reseal, then take the old one away. All or nothing: where one cannot be opened, none is changed.',
  ],
  options: {},
  words: [0, 0],
  run: async ({ db, secrets }) => {
    const count = await inTransaction(db, async (transaction) => {
      const values = await listSealedValues(transaction);
      for (const value of values) {
        const context = contextOf(value);
        await replaceSeal(
          transaction,
          value,
          secrets.seal(secrets.open(value.sealed, context), context),
        );
      }
      await insertAudit(transaction, {
        tenantId: null,
        actor: ACTOR,
        action: 'secrets.reseal',
        detail: { count: values.length },
      });
      return values.length;
    });
    return { text: `${count} secrets are sealed with the first key.`, json: { resealed: count } };
  },
};
