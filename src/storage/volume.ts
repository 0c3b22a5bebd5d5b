import type { AzureSettings, S3Settings } from '../domain/storage-settings.ts';

/** Where a bucket is, for people and to tell two apart. */
export const s3Volume = ({ endpoint, region, bucket }: S3Settings): string =>
  `${endpoint ?? `https://s3.${region}.amazonaws.com`}/${bucket}`;

/** Where a container is by its URL, for people and to tell two apart; without a SAS in it. */
export function volumeOfUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/**
 * Where a container is, out of its settings alone. `secret` is read where the credential is a connection
 * string, which alone says the account. Throws where that says none.
 */
export function azureVolume(settings: AzureSettings, secret: string | undefined): string {
  const account = new URL(
    settings.credential === 'connection-string'
      ? accountUrlIn(secret ?? '')
      : (settings.accountUrl ?? ''),
  );
  const folder = account.pathname.endsWith('/') ? account.pathname : `${account.pathname}/`;
  account.pathname = `${folder}${encodeURIComponent(settings.container)}`;
  return volumeOfUrl(account.href);
}

/**
 * The blob service's URL in a connection string, as the SDK reads it
 * (https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string).
 */
function accountUrlIn(connectionString: string): string {
  const parts = connectionString.split(';').map((part) => part.trim());
  const valueOf = (name: string): string =>
    parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  const endpoint = valueOf('BlobEndpoint');
  return endpoint === ''
    ? `${valueOf('DefaultEndpointsProtocol')}://${valueOf('AccountName')}.blob.${valueOf('EndpointSuffix')}`
    : endpoint;
}
