import type { BootstrapTenant } from '../src/config/config.ts';
import type { StackAddresses } from './stack/state-file.ts';

/** The tenant of a first look, made where BOOTSTRAP_TENANTS names none. */
export const DEMO_TENANT: BootstrapTenant = { name: 'demo', apiKey: 'demo-key-1' };

/** The one line that says the stack is up and where everything is. */
export function buildReadyLine(
  addresses: StackAddresses,
  tenants: readonly BootstrapTenant[],
): string {
  const { api, temporal, postgres } = addresses;
  const names = tenants.map((one) =>
    one === DEMO_TENANT ? `${one.name} (api-key ${one.apiKey})` : one.name,
  );
  const parts = [
    `api ${api.url}`,
    `reference ${api.url}/docs`,
    `Temporal UI ${temporal.ui}`,
    `Temporal ${temporal.address}`,
    `Postgres ${hidePassword(postgres.url)}`,
    `${names.length === 1 ? 'client' : 'clients'} ${names.join(', ')}`,
  ];
  return `Ready: ${parts.join(' · ')}`;
}

/** A connection string without its secret; one that is no URL is not shown. */
export function hidePassword(connectionString: string): string {
  try {
    const url = new URL(connectionString);
    if (url.password !== '') url.password = '****';
    if (url.searchParams.has('password')) url.searchParams.set('password', '****');
    return url.href;
  } catch {
    return 'as in DATABASE_URL';
  }
}
