import { isIP } from 'node:net';
import { posix } from 'node:path';
import { isTenantRole, TENANT_ROLES, type TenantRole } from '../../src/domain/roles.ts';
import { STORAGE_KINDS } from '../../src/domain/storage-kind.ts';
import type { Tenant } from '../../src/store/tenants.ts';
import { type OptionValues, textOption, UsageError } from '../command.ts';

/** Options of the commands that say how a tenant is set up. An empty text takes the default again. */
export const CONFIGURATION_OPTIONS = {
  'input-root': { type: 'string' },
  'output-root': { type: 'string' },
  'source-storage': { type: 'string' },
  'destination-storage': { type: 'string' },
  'allowed-networks': { type: 'string' },
  roles: { type: 'string' },
} as const;

/** {@link CONFIGURATION_OPTIONS} for `--help`. */
export const CONFIGURATION_HELP: readonly string[] = [
  '--input-root, --output-root    absolute folders of its sources and results',
  `--source-storage               ${STORAGE_KINDS.join(', ')} (default S3)`,
  '--destination-storage          the same (default: the source’s)',
  '--allowed-networks             CIDR blocks, comma-separated, besides the public networks, that its URLs may lead to',
  `--roles                        ${TENANT_ROLES.join(', ')}, comma-separated`,
  'An empty value ("") takes the default again.',
];

/** What may be set of a tenant. */
export type Configuration = Partial<Omit<Tenant, 'id' | 'name' | 'callbackUrls' | 'remotes'>>;

const listOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** An absolute folder, not the whole disk, spelled the one way that names it. */
function parseRoot(text: string, option: string): string | null {
  if (text === '') return null;
  const isCanonical =
    posix.isAbsolute(text) && posix.normalize(text) === text && !text.endsWith('/');
  if (!isCanonical || text.includes('\u0000')) {
    throw new UsageError(
      `--${option} must be an absolute folder such as /mnt/media/acme, without .., // or a / at its end`,
    );
  }
  return text;
}

function parseStorage(text: string, option: string): string {
  if ((STORAGE_KINDS as readonly string[]).includes(text)) return text;
  throw new UsageError(`--${option} must be one of ${STORAGE_KINDS.join(', ')}, not ${text}`);
}

function parseNetwork(block: string): string {
  const [address = '', bits = ''] = block.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (/^\d{1,3}$/.test(bits) && Number(bits) <= most) return block;
  throw new UsageError(`--allowed-networks: ${block} is no CIDR block such as 10.1.0.0/16`);
}

function parseRole(name: string): TenantRole {
  if (isTenantRole(name)) return name;
  throw new UsageError(`--roles: ${name} is none; there are ${TENANT_ROLES.join(', ')}`);
}

/** The part of a tenant that a command line sets. Throws a {@link UsageError} that names the option. */
export function parseConfiguration(options: OptionValues): Configuration {
  const given = <Value>(
    option: keyof typeof CONFIGURATION_OPTIONS,
    key: keyof Configuration,
    parse: (text: string) => Value,
  ): Configuration => {
    const text = textOption(options, option);
    return text === undefined ? {} : { [key]: parse(text) };
  };
  return {
    ...given('input-root', 'inputRoot', (text) => parseRoot(text, 'input-root')),
    ...given('output-root', 'outputRoot', (text) => parseRoot(text, 'output-root')),
    ...given('source-storage', 'sourceStorage', (text) =>
      text === '' ? 'S3' : parseStorage(text, 'source-storage'),
    ),
    ...given('destination-storage', 'destinationStorage', (text) =>
      text === '' ? null : parseStorage(text, 'destination-storage'),
    ),
    ...given('allowed-networks', 'allowedNetworks', (text) => listOf(text).map(parseNetwork)),
    ...given('roles', 'roles', (text) => [...new Set(listOf(text).map(parseRole))]),
  };
}
