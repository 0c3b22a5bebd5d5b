import type { Cap } from '../../src/domain/judge-setting.ts';
import { isCapped } from '../../src/domain/roles.ts';
import { isSlotSetting } from '../../src/domain/settings.ts';
import { admitJobs } from '../../src/store/admission.ts';
import { listAudit } from '../../src/store/audit.ts';
import { changeCap } from '../../src/store/change-cap.ts';
import { changeSetting } from '../../src/store/change-setting.ts';
import type { Db } from '../../src/store/db.ts';
import { listEffectiveSettings } from '../../src/store/effective-settings.ts';
import { listTenantsWithQueuedJobs } from '../../src/store/tenants.ts';
import {
  type Command,
  type CommandResult,
  type OptionValues,
  textOption,
  UsageError,
} from '../command.ts';
import { formatMoment, formatTable } from '../table.ts';
import { ACTOR, requireTenant } from '../tenant.ts';

const formatBounds = ({ least, most }: Cap): string =>
  least === null && most === null ? 'any' : `${least ?? ''}–${most ?? ''}`;

async function showSettings(db: Db, tenantName: string | undefined): Promise<CommandResult> {
  const tenant = tenantName === undefined ? null : await requireTenant(db, tenantName);
  const settings = await listEffectiveSettings(db, {
    tenantId: tenant?.id ?? null,
    isCapped: tenant === null || isCapped(tenant),
  });
  const rows = settings.map((one) => [one.name, one.text, one.origin, formatBounds(one.bounds)]);
  return {
    text: formatTable(['setting', 'value', 'from', 'may be'], rows, ''),
    json: {
      tenant: tenantName ?? null,
      settings: Object.fromEntries(
        settings.map((one) => [one.name, { setting: one.text, origin: one.origin, ...one.bounds }]),
      ),
    },
  };
}

/** `settings`: shows or changes what applies for a tenant, or for all. */
export const settings: Command = {
  name: 'settings',
  usage: '<tenant> | --system, then [<name> (<value> | --remove)]',
  summary: 'show or change the settings of a tenant, or the defaults of all',
  details: [
    'settings acme                  what applies for acme, and from where',
    'settings acme max_jobs 4       acme may run four jobs at once, from now on',
    'settings acme max_jobs --remove   the system’s default applies again',
    'settings --system retry_limit 5   for every tenant without a setting of its own',
  ],
  options: { system: { type: 'boolean' }, remove: { type: 'boolean' } },
  words: [0, 3],
  run: async ({ db }, words, options) => {
    const isSystem = options['system'] === true;
    const [tenantName, name, value, more] = isSystem ? [undefined, ...words] : words;
    if (tenantName === undefined && !isSystem) {
      throw new UsageError('settings takes a tenant, or --system');
    }
    const isRemoved = options['remove'] === true;
    if (more !== undefined || (name !== undefined) !== (isRemoved || value !== undefined)) {
      throw new UsageError('settings takes a name with a value or with --remove');
    }
    if (isRemoved && value !== undefined) throw new UsageError('--remove takes no value');
    if (name !== undefined) {
      const tenantId = tenantName === undefined ? null : (await requireTenant(db, tenantName)).id;
      const change = { tenantId, name, value: value ?? null, isCapped: false, actor: ACTOR };
      await changeSetting(db, change);
      if (isSlotSetting(name)) {
        const tenants = tenantId === null ? await listTenantsWithQueuedJobs(db) : [tenantId];
        for (const id of tenants) await admitJobs(db, id);
      }
    }
    return showSettings(db, tenantName);
  },
};

function boundOption(options: OptionValues, name: 'least' | 'most'): number | null {
  const text = textOption(options, name);
  if (text === undefined) return null;
  if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  throw new UsageError(`--${name} must be a number, not ${text}`);
}

/** `cap`: what tenants without a role may set. */
export const cap: Command = {
  name: 'cap',
  usage: '<setting> [--most 10] [--least 1] [--remove] [--tenant acme]',
  summary: 'bound what tenants without a role may set, all or one',
  details: ['Settings beyond a new cap stay as they are: it bounds what is set from now on.'],
  options: {
    most: { type: 'string' },
    least: { type: 'string' },
    remove: { type: 'boolean' },
    tenant: { type: 'string' },
  },
  words: [1, 1],
  run: async ({ db }, [name = ''], options) => {
    const [least, most] = [boundOption(options, 'least'), boundOption(options, 'most')];
    const isRemoved = options['remove'] === true;
    if ((least === null && most === null) !== isRemoved) {
      throw new UsageError('cap takes --most, --least or both, or --remove');
    }
    const tenant = textOption(options, 'tenant');
    const tenantId = tenant === undefined ? null : (await requireTenant(db, tenant)).id;
    await changeCap(db, { tenantId, name, least, most, actor: ACTOR });
    return showSettings(db, tenant);
  },
};

const DEFAULT_ENTRIES = 50;

/** `audit`: who changed what. */
export const audit: Command = {
  name: 'audit',
  usage: `[<tenant>] [--limit ${DEFAULT_ENTRIES}]`,
  summary: 'show who changed what, newest first',
  options: { limit: { type: 'string' } },
  words: [0, 1],
  run: async ({ db }, [tenant], options) => {
    const text = textOption(options, 'limit') ?? String(DEFAULT_ENTRIES);
    if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`--limit must be a number, not ${text}`);
    const tenantId = tenant === undefined ? null : (await requireTenant(db, tenant)).id;
    const entries = await listAudit(db, tenantId, Number(text));
    const rows = entries.map((one) => [
      formatMoment(one.at),
      one.actor,
      one.tenant ?? '(all)',
      one.action,
      JSON.stringify(one.detail),
    ]);
    return {
      text: formatTable(
        ['at', 'who', 'tenant', 'what', 'detail'],
        rows,
        'Nothing was changed yet.',
      ),
      json: { entries },
    };
  },
};
