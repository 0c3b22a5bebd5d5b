import type { Cap } from '../domain/judge-setting.ts';
import { KNOWN_SETTINGS, KNOWN_TEXTS, knownSetting, knownText } from '../domain/settings.ts';
import type { Db } from './db.ts';
import { listSystemCaps, listTenantCaps } from './setting-caps.ts';
import { listSettings } from './settings.ts';
import { listSystemSettings } from './system-settings.ts';

/** What applies under a name, where it comes from, and what may be chosen. */
export interface EffectiveSetting {
  readonly name: string;
  /** As it is kept: text. */
  readonly text: string;
  readonly origin: 'default' | 'system' | 'own';
  /** Bounds of what the tenant may set, the caps among them; null is no bound. */
  readonly bounds: Cap;
}

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

const listCaps = (db: Db, tenantId: number | null): Promise<ReadonlyMap<string, Cap>> =>
  tenantId === null ? listSystemCaps(db) : listTenantCaps(db, tenantId);

const higher = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b);
const lower = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

/** Whose settings are shown. */
export interface SettingsOwner {
  /** Null shows the system's defaults, with the caps for every tenant. */
  readonly tenantId: number | null;
  /** False for a tenant whose role sets it free of caps. */
  readonly isCapped: boolean;
}

/** Every setting that applies, those the engine reads first. */
export async function listEffectiveSettings(
  db: Db,
  { tenantId, isCapped }: SettingsOwner,
): Promise<readonly EffectiveSetting[]> {
  const system = await listSystemSettings(db);
  const own = tenantId === null ? NONE : await listSettings(db, tenantId);
  const caps = !isCapped ? NONE : await listCaps(db, tenantId);
  const names = [
    ...Object.keys({ ...KNOWN_SETTINGS, ...KNOWN_TEXTS }),
    ...system.keys(),
    ...own.keys(),
  ];
  return [...new Set(names)].map((name) => {
    const known = knownSetting(name);
    const cap = caps.get(name);
    return {
      name,
      text: own.get(name) ?? system.get(name) ?? String((known ?? knownText(name))?.fallback ?? ''),
      origin: own.has(name) ? 'own' : system.has(name) ? 'system' : 'default',
      bounds: {
        least: higher(known?.least ?? null, cap?.least ?? null),
        most: lower(known?.most ?? null, cap?.most ?? null),
      },
    };
  });
}
