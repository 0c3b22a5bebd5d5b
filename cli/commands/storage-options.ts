import type { RemoteKind, StorageSettings } from '../../src/domain/storage-settings.ts';
import { AZURE_CREDENTIALS } from '../../src/domain/storage-settings.ts';
import { type OptionValues, textOption, UsageError } from '../command.ts';

/** Options of `storage` that say how it is set up, of each kind. */
export const SETTINGS_OPTIONS = {
  root: { type: 'string' },
  'cache-control': { type: 'string' },
  'fixed-cache-control': { type: 'string' },
  bucket: { type: 'string' },
  region: { type: 'string' },
  endpoint: { type: 'string' },
  'path-style': { type: 'boolean' },
  'access-key-id': { type: 'string' },
  acl: { type: 'string' },
  'storage-class': { type: 'string' },
  encryption: { type: 'string' },
  'kms-key-id': { type: 'string' },
  'no-checksums': { type: 'boolean' },
  container: { type: 'string' },
  credentials: { type: 'string' },
  'account-url': { type: 'string' },
  tier: { type: 'string' },
  'encryption-scope': { type: 'string' },
} as const;

type Option = keyof typeof SETTINGS_OPTIONS;

const COMMON: readonly Option[] = ['root', 'cache-control', 'fixed-cache-control'];
const OF_AZURE: readonly Option[] = [
  'container',
  'credentials',
  'account-url',
  'tier',
  'encryption-scope',
];

/** {@link SETTINGS_OPTIONS} for `--help`. */
export const SETTINGS_HELP: readonly string[] = [
  '--root                 folder in the bucket or container that is the tenant’s root (default: all of it)',
  '--cache-control        Cache-Control of media files, whose names never get other content (default none)',
  '--fixed-cache-control  Cache-Control of manifests and other files that a later job replaces (default none)',
  'S3:',
  '  --bucket             name of the bucket',
  '  --region             default us-east-1',
  '  --endpoint           https://host[:port] of a service that speaks S3 (default: AWS)',
  '  --path-style         bucket in the path instead of the host name',
  '  --access-key-id      its secret is read from standard input; without: the worker’s own identity',
  '  --acl, --storage-class, --encryption (AES256, aws:kms), --kms-key-id   as S3 names them',
  '  --no-checksums       for services that know no CRC-32 headers: Content-MD5 instead',
  'azure_blob:',
  '  --container          name of the container',
  '  --credentials        connection-string or sas, read from standard input, or identity',
  '  --account-url        https://<account>.blob.core.windows.net, for sas and identity',
  '  --tier, --encryption-scope   as Azure names them',
];

const CACHE_CONTROL = /^[\x20-\x7e]{1,200}$/;
const WORD = /^[A-Za-z0-9_:./-]{1,200}$/;
/** S3 and Azure: lower case letters, digits, dots (S3) and dashes. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const CONTAINER = /^(?:\$web|\$root|[a-z0-9](?:-?[a-z0-9]){2,62})$/;
const BUCKET_NAME = 'the name of a bucket: 3 to 63 lower case letters, digits, dots and dashes';
const CONTAINER_NAME =
  'the name of a container: 3 to 63 lower case letters, digits and single dashes';
const REGION = /^[a-z0-9-]{1,40}$/;
const ACLS = ['private', 'public-read', 'authenticated-read', 'bucket-owner-full-control'];
const ENCRYPTIONS = ['AES256', 'aws:kms', 'aws:kms:dsse'];

/** Parts of a folder, none of them a way up, none empty. */
const ROOT = /^(?!(?:.*\/)?\.{1,2}(?:\/|$))[^/\\\p{Cc}]+(?:\/[^/\\\p{Cc}]+)*$/u;

/** Reads settings of one kind out of a command line. Throws a {@link UsageError} that names the option. */
export function parseSettings(kind: RemoteKind, options: OptionValues): StorageSettings {
  refuseOther(kind, options);
  const common = {
    root:
      matching(options, 'root', ROOT, 'a folder such as tenants/acme, without / around it') ?? '',
    cacheControl: matching(options, 'cache-control', CACHE_CONTROL, 'a line of text') ?? null,
    fixedCacheControl:
      matching(options, 'fixed-cache-control', CACHE_CONTROL, 'a line of text') ?? null,
  };
  return kind === 'S3' ? parseS3(options, common) : parseAzure(options, common);
}

function refuseOther(kind: RemoteKind, options: OptionValues): void {
  for (const option of Object.keys(SETTINGS_OPTIONS) as Option[]) {
    if (options[option] === undefined || COMMON.includes(option)) continue;
    if (OF_AZURE.includes(option) === (kind === 'azure_blob')) continue;
    throw new UsageError(`--${option} does not belong to ${kind}`);
  }
}

function matching(
  options: OptionValues,
  option: Option,
  pattern: RegExp,
  what: string,
): string | undefined {
  const text = textOption(options, option);
  if (text === undefined || text === '') return undefined;
  if (pattern.test(text)) return text;
  throw new UsageError(`--${option} must be ${what}`);
}

function required(text: string | undefined, option: Option): string {
  if (text !== undefined) return text;
  throw new UsageError(`--${option} is needed`);
}

function oneOf(options: OptionValues, option: Option, known: readonly string[]): string | null {
  const text = textOption(options, option);
  if (text === undefined || text === '') return null;
  if (known.includes(text)) return text;
  throw new UsageError(`--${option} must be one of ${known.join(', ')}`);
}

/** An address without what would be a secret, or lead elsewhere. */
function parseUrl(options: OptionValues, option: Option, hasPath: boolean): string | null {
  const text = textOption(options, option);
  if (text === undefined || text === '') return null;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username + url.password + url.search + url.hash === '' &&
    (hasPath || url.pathname === '/');
  if (!isPlain) {
    throw new UsageError(
      `--${option} must be an address such as https://host:port, without name, password or query`,
    );
  }
  return text.replace(/\/$/, '');
}

type Common = Pick<StorageSettings, 'root' | 'cacheControl' | 'fixedCacheControl'>;

function parseS3(options: OptionValues, common: Common): StorageSettings {
  const encryption = oneOf(options, 'encryption', ENCRYPTIONS);
  const kmsKeyId = matching(options, 'kms-key-id', WORD, 'a key id or ARN') ?? null;
  if (kmsKeyId !== null && encryption?.startsWith('aws:kms') !== true) {
    throw new UsageError('--kms-key-id needs --encryption aws:kms');
  }
  return {
    kind: 'S3',
    ...common,
    bucket: required(matching(options, 'bucket', BUCKET, BUCKET_NAME), 'bucket'),
    region: matching(options, 'region', REGION, 'a region such as eu-west-1') ?? 'us-east-1',
    endpoint: parseUrl(options, 'endpoint', false),
    isPathStyle: options['path-style'] === true,
    accessKeyId: matching(options, 'access-key-id', WORD, 'the id of an access key') ?? null,
    acl: oneOf(options, 'acl', ACLS),
    storageClass: matching(options, 'storage-class', WORD, 'a class such as STANDARD_IA') ?? null,
    encryption,
    kmsKeyId,
    hasChecksums: options['no-checksums'] !== true,
  };
}

function parseAzure(options: OptionValues, common: Common): StorageSettings {
  const credential = AZURE_CREDENTIALS.find((one) => one === textOption(options, 'credentials'));
  if (credential === undefined) {
    throw new UsageError(`--credentials must be one of ${AZURE_CREDENTIALS.join(', ')}`);
  }
  const accountUrl = parseUrl(options, 'account-url', true);
  if (credential === 'connection-string' && accountUrl !== null) {
    throw new UsageError('--account-url goes with sas and identity; a connection string has it');
  }
  if (credential !== 'connection-string' && accountUrl === null) {
    throw new UsageError(
      `--account-url is needed with ${credential}, such as https://<account>.blob.core.windows.net`,
    );
  }
  const container = matching(options, 'container', CONTAINER, CONTAINER_NAME);
  return {
    kind: 'azure_blob',
    ...common,
    container: required(container, 'container'),
    credential,
    accountUrl,
    tier: matching(options, 'tier', WORD, 'a tier such as Cool') ?? null,
    encryptionScope: matching(options, 'encryption-scope', WORD, 'the name of a scope') ?? null,
  };
}
