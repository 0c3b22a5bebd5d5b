import { createRoute, z } from '@hono/zod-openapi';
import { CapBody, SettingBody, SettingChanged, SettingList } from '../../src/contract/settings.ts';
import { answers, CREDENTIALS } from './answers.ts';

const SettingsQuery = z.object({
  scope: z
    .enum(['own', 'system'], { error: 'must be own or system' })
    .optional()
    .openapi({ description: '`system`: the defaults of all clients; for the role system_admin' }),
  tenant: z
    .string()
    .max(256)
    .optional()
    .openapi({ description: 'Another client; for the role system_admin' }),
});

/** `GET /settings`. */
export const listSettingsRoute = createRoute({
  method: 'get',
  path: '/settings',
  operationId: 'listSettings',
  summary: 'Show what applies, where it comes from, and what may be chosen',
  security: CREDENTIALS,
  request: { query: SettingsQuery },
  responses: answers('The settings by name', SettingList, [400, 401, 403, 404]),
});

/** `POST /settings` for the OpenAPI document. */
export const describeChangeSetting = createRoute({
  method: 'post',
  path: '/settings',
  operationId: 'changeSetting',
  summary: 'Create or change one setting',
  description:
    'Takes effect at once. A client without a role stays within the caps that an administrator has set.',
  security: CREDENTIALS,
  request: { body: { required: true, content: { 'application/json': { schema: SettingBody } } } },
  responses: answers('The setting is changed', SettingChanged, [400, 401, 403, 404, 413, 415]),
});

/** `PUT /settings/caps` for the OpenAPI document. */
export const describeChangeCap = createRoute({
  method: 'put',
  path: '/settings/caps',
  operationId: 'changeSettingCap',
  summary: 'Bound what clients without a role may set',
  description:
    'For the role system_admin. Settings beyond a new cap stay as they are. Without bounds the cap is taken away.',
  security: CREDENTIALS,
  request: { body: { required: true, content: { 'application/json': { schema: CapBody } } } },
  responses: answers('The cap is changed', SettingChanged, [400, 401, 403, 404, 413, 415]),
});
