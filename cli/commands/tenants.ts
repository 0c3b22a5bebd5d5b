import { TENANT_NAME } from '../../src/domain/tenant-name.ts';
import { admitJobs } from '../../src/store/admission.ts';
import { type ApiKey, listApiKeys } from '../../src/store/api-keys.ts';
import { insertAudit } from '../../src/store/audit.ts';
import { getCallbackSettings } from '../../src/store/callback-settings.ts';
import { type Db, inTransaction } from '../../src/store/db.ts';
import {
  insertTenant,
  listTenants,
  setTenantDisabled,
  type TenantRecord,
  updateTenant,
} from '../../src/store/tenants.ts';
import { CliError, type Command, UsageError } from '../command.ts';
import { formatMoment } from '../table.ts';
import { ACTOR, changeTenant, requireTenant } from '../tenant.ts';
import { CONFIGURATION_HELP, CONFIGURATION_OPTIONS, parseConfiguration } from './configuration.ts';
import { describeKey, EXPIRES_OPTION, makeKey } from './keys.ts';

/** `add`: a tenant with its first key. */
export const add: Command = {
  name: 'add',
  usage: '<tenant> [options]',
  summary: 'add a tenant and show its key, this once',
  details: [
    ...CONFIGURATION_HELP,
    '--expires-in                   how long the key is valid: 30m, 24h, 90d (default: until it is revoked)',
  ],
  options: { ...CONFIGURATION_OPTIONS, ...EXPIRES_OPTION },
  words: [1, 1],
  run: async ({ db }, [name = ''], options) => {
    if (!TENANT_NAME.test(name)) {
      throw new UsageError(
        'A tenant’s name has letters, digits, - and _, a letter or digit first, 63 characters at most',
      );
    }
    const configuration = parseConfiguration(options);
    const made = await inTransaction(db, async (transaction) => {
      const tenant = await insertTenant(transaction, {
        name,
        inputRoot: null,
        outputRoot: null,
        sourceStorage: 'S3',
        destinationStorage: null,
        allowedNetworks: [],
        ...configuration,
      });
      if (tenant === undefined) throw new CliError(`There is a tenant ${name} already`);
      const key = await makeKey(transaction, tenant.id, options);
      await insertAudit(transaction, {
        tenantId: tenant.id,
        actor: ACTOR,
        action: 'tenant.create',
        detail: { ...configuration, keyId: key.id },
      });
      return key;
    });
    return {
      text: `Tenant ${name} added. Its key, shown this once:\n${made.key}`,
      json: { tenant: name, key_id: made.id, key: made.key },
    };
  },
};

/** What is shown of a tenant besides its record. */
interface Shown {
  readonly keys: readonly ApiKey[];
  /** False: the certificates of its receivers are not verified. */
  readonly verifiesTls: boolean;
}

async function getShown(db: Db, { id }: TenantRecord): Promise<Shown> {
  const { verifiesTls } = await getCallbackSettings(db, id);
  return { keys: await listApiKeys(db, id), verifiesTls };
}

const describeTenant = (tenant: TenantRecord, { keys, verifiesTls }: Shown): string => {
  const lines = [
    `${tenant.name}${tenant.disabledAt === null ? '' : `  DISABLED since ${formatMoment(tenant.disabledAt)}`}`,
    `  roles     ${tenant.roles.join(', ') || 'none'}`,
    `  input     ${tenant.inputRoot ?? 'default'}, output ${tenant.outputRoot ?? 'default'}`,
    `  storage   ${tenant.sourceStorage}, to ${tenant.destinationStorage ?? 'the same'}`,
    `  networks  ${tenant.allowedNetworks.join(', ') || 'public ones'}`,
    ...(verifiesTls ? [] : ['  callbacks certificates of receivers are NOT verified']),
    ...(keys.length === 0 ? ['  no valid key'] : keys.map((key) => `  ${describeKey(key)}`)),
  ];
  return lines.join('\n');
};

const toJson = (tenant: TenantRecord, { keys, verifiesTls }: Shown): unknown => ({
  name: tenant.name,
  roles: tenant.roles,
  input_root: tenant.inputRoot,
  output_root: tenant.outputRoot,
  source_storage: tenant.sourceStorage,
  destination_storage: tenant.destinationStorage,
  allowed_networks: tenant.allowedNetworks,
  verifies_tls: verifiesTls,
  created_at: tenant.createdAt,
  disabled_at: tenant.disabledAt,
  keys: keys.map((key) => ({
    id: key.id,
    hint: key.hint,
    created_at: key.createdAt,
    last_used_at: key.lastUsedAt,
    expires_at: key.expiresAt,
  })),
});

/** `list`: the tenants with their keys, as far as they are known. */
export const list: Command = {
  name: 'list',
  usage: '',
  summary: 'show the tenants, how they are set up, and their valid keys (never the key itself)',
  options: {},
  words: [0, 0],
  run: async ({ db }) => {
    const tenants = await listTenants(db);
    const all = await Promise.all(
      tenants.map(async (tenant) => ({ tenant, shown: await getShown(db, tenant) })),
    );
    return {
      text:
        all.map(({ tenant, shown }) => describeTenant(tenant, shown)).join('\n\n') ||
        'There is no tenant; add one with add <name>.',
      json: { tenants: all.map(({ tenant, shown }) => toJson(tenant, shown)) },
    };
  },
};

/** `set`: changes how a tenant is set up. */
export const set: Command = {
  name: 'set',
  usage: '<tenant> [options]',
  summary: 'change roots, storage, networks or roles of a tenant',
  details: CONFIGURATION_HELP,
  options: CONFIGURATION_OPTIONS,
  words: [1, 1],
  run: async ({ db }, [name = ''], options) => {
    const configuration = parseConfiguration(options);
    if (Object.keys(configuration).length === 0) {
      throw new UsageError('set needs one of its options; set --help shows them');
    }
    const changed = await changeTenant(db, name, async (transaction, tenant) => {
      const result: TenantRecord = { ...tenant, ...configuration };
      await updateTenant(transaction, result);
      const from = Object.fromEntries(
        Object.keys(configuration).map((key) => [key, tenant[key as keyof typeof configuration]]),
      );
      return { action: 'tenant.update', detail: { from, to: configuration }, result };
    });
    const shown = await getShown(db, changed);
    return { text: describeTenant(changed, shown), json: toJson(changed, shown) };
  },
};

const switchTo =
  (isDisabled: boolean): Command['run'] =>
  async ({ db }, [name = '']) => {
    await changeTenant(db, name, async (transaction, tenant) => {
      await setTenantDisabled(transaction, tenant.id, isDisabled);
      const action = isDisabled ? 'tenant.disable' : 'tenant.enable';
      return { action, detail: {}, result: undefined };
    });
    if (!isDisabled) await admitJobs(db, (await requireTenant(db, name)).id);
    return {
      text: isDisabled
        ? `${name} is disabled: its keys are refused within 5 s, its running jobs go on, the others wait.`
        : `${name} is enabled; its waiting jobs go on.`,
      json: { tenant: name, disabled: isDisabled },
    };
  };

/** `disable`: lets a tenant in no more. */
export const disable: Command = {
  name: 'disable',
  usage: '<tenant>',
  summary: 'refuse a tenant’s keys; its running jobs go on, the others wait',
  options: {},
  words: [1, 1],
  run: switchTo(true),
};

/** `enable`: takes `disable` back. */
export const enable: Command = {
  name: 'enable',
  usage: '<tenant>',
  summary: 'let a disabled tenant in again',
  options: {},
  words: [1, 1],
  run: switchTo(false),
};
