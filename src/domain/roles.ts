/**
 * What a tenant may change besides its own jobs. Roles never widen which jobs it sees.
 * `tenant_admin`: its own settings beyond the caps. `system_admin`: also the system's defaults and
 * caps, other tenants' settings, and the schedules that serve all.
 */
export const TENANT_ROLES = ['tenant_admin', 'system_admin'] as const;

/** One of {@link TENANT_ROLES}. */
export type TenantRole = (typeof TENANT_ROLES)[number];

/** True for the name of a role. */
export const isTenantRole = (name: string): name is TenantRole =>
  (TENANT_ROLES as readonly string[]).includes(name);

/** A tenant's roles. */
export interface Roles {
  readonly roles: readonly TenantRole[];
}

/** Whether a tenant has to stay within the caps. */
export const isCapped = ({ roles }: Roles): boolean => roles.length === 0;

/** Whether it may change what serves all tenants. */
export const isSystemAdmin = ({ roles }: Roles): boolean => roles.includes('system_admin');
