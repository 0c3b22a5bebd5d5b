import { z } from 'zod';
import type { EffectiveSetting } from '../store/effective-settings.ts';
import { knownSetting } from '../domain/settings.ts';

/** The keys a body takes; anything else is a mistake that would otherwise change the wrong thing. */
const takes = (keys: string) => ({
  error: (issue: { readonly code?: string; readonly keys?: readonly string[] }) =>
    issue.code === 'unrecognized_keys'
      ? `takes ${keys}; it has ${(issue.keys ?? []).slice(0, 3).join(', ').slice(0, 100)}`
      : 'must be an object',
});

const name = z
  .string({ error: 'must be the name of a setting' })
  .max(200, 'is too long')
  .describe('`max_jobs`, `priority_slots`, …, or a name of your own');

const tenant = z
  .string({ error: 'must be the name of a client' })
  .max(256, 'is too long')
  .optional()
  .describe('Another client; for the role system_admin only');

/** The body of `POST /settings`. */
export const SettingBody = z
  .strictObject(
    {
      client: z.unknown().optional().describe('The client, where the header client is missing'),
      name,
      setting: z
        .union([z.number(), z.boolean(), z.string(), z.null()], {
          error: 'must be a number, true, false or text, or null to take it away',
        })
        .describe('The value; null takes the setting away, so that the default applies again'),
      scope: z
        .enum(['own', 'system'], { error: 'must be own or system' })
        .default('own')
        .describe('`system`: the default of all clients; for the role system_admin only'),
      tenant,
    },
    takes('name, setting, scope and tenant'),
  )
  .meta({ id: 'Setting', example: { name: 'max_jobs', setting: 4 } });

const bound = (which: string) =>
  z
    .number({ error: 'must be a number, or null for no bound' })
    .nullable()
    .default(null)
    .describe(`The ${which} that a client without a role may set; null is no bound`);

/** The body of `PUT /settings/caps`. */
export const CapBody = z
  .strictObject(
    {
      client: z.unknown().optional(),
      name,
      least: bound('least'),
      most: bound('most'),
      tenant: tenant.describe('Only for this client; else for every client without its own cap'),
    },
    takes('name, least, most and tenant'),
  )
  .meta({ id: 'SettingCap', example: { name: 'max_jobs', most: 10 } });

/** The answer to a change. */
export const SettingChanged = z
  .object({
    result: z.literal('ok'),
    message: z.string().describe('`<name> setting created`, `updated` or `removed`'),
  })
  .meta({ id: 'SettingChanged', example: { result: 'ok', message: 'max_jobs setting updated' } });

/** The answer to `GET /settings`. */
export const SettingList = z
  .object({
    result: z.literal('ok'),
    settings: z.record(
      z.string(),
      z.object({
        setting: z
          .union([z.number(), z.string()])
          .describe('A number where the engine reads it, else text'),
        origin: z
          .enum(['default', 'system', 'own'])
          .describe('Whether it is the product default, the system default or the client’s own'),
        least: z.number().nullable().describe('The least the client may set'),
        most: z.number().nullable().describe('The most the client may set'),
      }),
    ),
  })
  .meta({
    id: 'Settings',
    example: {
      result: 'ok',
      settings: { max_jobs: { setting: 4, origin: 'own', least: 0, most: 10 } },
    },
  });

/** {@link SettingList} as it comes out of the schema. */
export type SettingList = z.infer<typeof SettingList>;

/** Settings as `GET /settings` shows them. */
export function toSettingList(settings: readonly EffectiveSetting[]): SettingList {
  const entries = settings.map((one) => {
    const setting = knownSetting(one.name) === undefined ? one.text : Number(one.text);
    return [one.name, { setting, origin: one.origin, ...one.bounds }] as const;
  });
  return { result: 'ok', settings: Object.fromEntries(entries) };
}
