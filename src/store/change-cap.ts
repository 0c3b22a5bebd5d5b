import { insertAudit } from './audit.ts';
import type { Cap } from '../domain/judge-setting.ts';
import { SETTING_NAME } from '../domain/judge-setting.ts';
import { SettingRefusedError, type SettingOutcome } from './change-setting.ts';
import { knownText } from '../domain/settings.ts';
import { type Db, inTransaction } from './db.ts';
import { deleteCap, putCap } from './setting-caps.ts';

/** A cap that somebody wants changed. */
export interface CapChange extends Cap {
  /** For whom; null is every tenant without a cap of its own. */
  readonly tenantId: number | null;
  /** The setting it bounds. Without both bounds it is taken away. */
  readonly name: string;
  /** Who asks, for the audit. */
  readonly actor: string;
}

/**
 * Makes a change of a cap with its audit row. Settings beyond it stay as they are: a cap bounds what
 * is set from now on. Throws {@link SettingRefusedError}.
 */
export async function changeCap(db: Db, change: CapChange): Promise<SettingOutcome> {
  const { tenantId, name, least, most } = change;
  if (!SETTING_NAME.test(name)) {
    throw new SettingRefusedError('invalid', 'name: must be the name of a setting');
  }
  if (knownText(name) !== undefined) {
    throw new SettingRefusedError('invalid', `name: ${name} is a text, which takes no cap`);
  }
  if (least !== null && most !== null && least > most) {
    throw new SettingRefusedError('invalid', 'least: may not be more than most');
  }
  return inTransaction(db, async (transaction) => {
    const isRemoved = least === null && most === null;
    if (isRemoved) await deleteCap(transaction, tenantId, name);
    const outcome = isRemoved
      ? 'removed'
      : await putCap(transaction, tenantId, name, { least, most });
    await insertAudit(transaction, {
      tenantId,
      actor: change.actor,
      action: `cap.${outcome}`,
      detail: { name, least, most },
    });
    return outcome;
  });
}
