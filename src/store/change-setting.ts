import { sql } from 'kysely';
import { judgeSetting, MOST_SETTINGS, SETTING_NAME } from '../domain/judge-setting.ts';
import { knownSetting } from '../domain/settings.ts';
import { insertAudit } from './audit.ts';
import { type Db, inTransaction } from './db.ts';
import { listTenantCaps } from './setting-caps.ts';
import { deleteSetting, listSettings, putSetting } from './settings.ts';
import { deleteSystemSetting, listSystemSettings, putSystemSetting } from './system-settings.ts';

/** A setting that somebody wants changed. */
export interface SettingChange {
  /** Whose it is; null is the system's default for all tenants. */
  readonly tenantId: number | null;
  readonly name: string;
  /** Null takes the setting away, so that the default applies again. */
  readonly value: number | boolean | string | null;
  /** True where who asks has to stay within the caps. */
  readonly isCapped: boolean;
  /** Who asks, for the audit. */
  readonly actor: string;
}

/** What became of a setting. */
export type SettingOutcome = 'created' | 'updated' | 'removed';

/** A change of a setting that cannot be, or that who asks may not make. The message names the field. */
export class SettingRefusedError extends Error {
  override readonly name = 'SettingRefusedError';
  readonly kind: 'invalid' | 'beyond cap';

  constructor(kind: 'invalid' | 'beyond cap', message: string) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Makes a change with its audit row, in one transaction. What it must be followed by, an admission or a
 * changed schedule, is the caller's. Throws {@link SettingRefusedError}.
 */
export async function changeSetting(db: Db, change: SettingChange): Promise<SettingOutcome> {
  const { tenantId, name } = change;
  if (!SETTING_NAME.test(name)) {
    throw new SettingRefusedError(
      'invalid',
      'name: must have lower-case letters, digits and _, a letter first, 63 characters at most',
    );
  }
  if (tenantId !== null && knownSetting(name)?.isSystemOnly === true) {
    throw new SettingRefusedError('invalid', `name: ${name} is one for all; its scope is system`);
  }
  return inTransaction(db, async (transaction) => {
    const known = await lockSettings(transaction, tenantId);
    const to = await judge(transaction, change, known);
    const outcome = await write(transaction, tenantId, name, to);
    await insertAudit(transaction, {
      tenantId,
      actor: change.actor,
      action: `setting.${outcome}`,
      detail: { name, from: known.get(name) ?? null, to },
    });
    return outcome;
  });
}

/** The settings there are; no other change is made to them meanwhile, so that their number can be held. */
async function lockSettings(
  transaction: Db,
  tenantId: number | null,
): Promise<ReadonlyMap<string, string>> {
  if (tenantId === null) {
    await sql`LOCK TABLE system_settings IN SHARE ROW EXCLUSIVE MODE`.execute(transaction);
    return listSystemSettings(transaction);
  }
  await sql`SELECT FROM tenants WHERE id = ${tenantId} FOR NO KEY UPDATE`.execute(transaction);
  return listSettings(transaction, tenantId);
}

async function judge(
  transaction: Db,
  change: SettingChange,
  known: ReadonlyMap<string, string>,
): Promise<string | null> {
  const { tenantId, name, value, isCapped } = change;
  if (value === null) return null;
  const caps =
    isCapped && tenantId !== null ? await listTenantCaps(transaction, tenantId) : undefined;
  const judged = judgeSetting(name, value, caps?.get(name));
  if (judged.kind !== 'value')
    throw new SettingRefusedError(judged.kind, `setting: ${judged.fault}`);
  if (!known.has(name) && known.size >= MOST_SETTINGS) {
    throw new SettingRefusedError('invalid', `name: there are ${MOST_SETTINGS} settings already`);
  }
  return judged.text;
}

async function write(
  transaction: Db,
  tenantId: number | null,
  name: string,
  setting: string | null,
): Promise<SettingOutcome> {
  if (setting !== null) {
    return tenantId === null
      ? putSystemSetting(transaction, name, setting)
      : putSetting(transaction, tenantId, name, setting);
  }
  if (tenantId === null) await deleteSystemSetting(transaction, name);
  else await deleteSetting(transaction, tenantId, name);
  return 'removed';
}
