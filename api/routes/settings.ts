import type { OpenAPIHono } from '@hono/zod-openapi';
import { CapBody, SettingBody, toSettingList } from '../../src/contract/settings.ts';
import { isCapped, isSystemAdmin } from '../../src/domain/roles.ts';
import { changeCap } from '../../src/store/change-cap.ts';
import { changeSetting, SettingRefusedError } from '../../src/store/change-setting.ts';
import type { Db } from '../../src/store/db.ts';
import { listEffectiveSettings } from '../../src/store/effective-settings.ts';
import { TENANT_NAME } from '../../src/domain/tenant-name.ts';
import { getTenant, type Tenant } from '../../src/store/tenants.ts';
import type { ApiDeps, ApiEnv } from '../deps.ts';
import { ApiError } from '../errors.ts';
import {
  describeChangeCap,
  describeChangeSetting,
  listSettingsRoute,
} from '../openapi/settings.ts';
import { parseBody } from '../parse-body.ts';
import { applySettingChange } from '../setting-effects.ts';

function requireSystemAdmin(asker: Tenant, what: string): void {
  if (!isSystemAdmin(asker)) throw new ApiError(403, `${what} needs the role system_admin`);
}

/** The tenant that is named, the asker where none is; null for the system. */
async function selectOwner(
  db: Db,
  asker: Tenant,
  named: { readonly scope?: string | undefined; readonly tenant?: string | undefined },
): Promise<Tenant | null> {
  if (named.scope === 'system') {
    requireSystemAdmin(asker, 'scope: system');
    if (named.tenant !== undefined) {
      throw new ApiError(400, 'tenant: must be left out with the scope system');
    }
    return null;
  }
  if (named.tenant === undefined || named.tenant === asker.name) return asker;
  requireSystemAdmin(asker, 'tenant: another client than your own');
  // Postgres refuses a NUL, which no name has
  const tenant = TENANT_NAME.test(named.tenant) ? await getTenant(db, named.tenant) : undefined;
  if (tenant === undefined) throw new ApiError(404, 'tenant: there is no client of that name');
  return tenant;
}

/** Turns what the store refuses into an answer. */
async function orRefuse<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof SettingRefusedError)) throw error;
    throw new ApiError(error.kind === 'invalid' ? 400 : 403, error.message);
  }
}

/** `GET /settings`, `POST /settings` and `PUT /settings/caps`. */
export function registerSettings(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openapi(listSettingsRoute, async (c) => {
    const owner = await selectOwner(deps.db, c.get('tenant'), c.req.valid('query'));
    const settings = await listEffectiveSettings(deps.db, {
      tenantId: owner?.id ?? null,
      isCapped: owner === null || isCapped(owner),
    });
    return c.json(toSettingList(settings), 200) as never;
  });

  app.openAPIRegistry.registerPath(describeChangeSetting);
  app.post('/settings', async (c) => {
    const asker = c.get('tenant');
    const { name, setting: value, ...named } = parseBody(c, SettingBody);
    const tenantId = (await selectOwner(deps.db, asker, named))?.id ?? null;
    const change = { tenantId, name, value, isCapped: isCapped(asker), actor: asker.name };
    const outcome = await orRefuse(changeSetting(deps.db, change));
    await applySettingChange(deps, tenantId, name);
    return c.json({ result: 'ok', message: `${name} setting ${outcome}` });
  });

  app.openAPIRegistry.registerPath(describeChangeCap);
  app.put('/settings/caps', async (c) => {
    const asker = c.get('tenant');
    requireSystemAdmin(asker, 'A cap');
    const { name, least, most, tenant } = parseBody(c, CapBody);
    const owner = tenant === undefined ? null : await selectOwner(deps.db, asker, { tenant });
    const change = { tenantId: owner?.id ?? null, name, least, most, actor: asker.name };
    const outcome = await orRefuse(changeCap(deps.db, change));
    return c.json({ result: 'ok', message: `${name} cap ${outcome}` });
  });
}
