import { DefaultAzureCredential } from '@azure/identity';
import {
  AnonymousCredential,
  BlobServiceClient,
  type ContainerClient,
  newPipeline,
  RestError,
} from '@azure/storage-blob';
import { WorkError } from '../domain/failure.ts';
import type { AzureSettings } from '../domain/storage-settings.ts';
import { createAzurePatience } from './azure-patience.ts';
import { codeOfStatus, RemoteError, safeCode } from './remote-failure.ts';

/** Each request is tried so often, with growing waits between; `ServerBusy` is among what is tried again. */
const OPTIONS = {
  retryOptions: {
    maxTries: 6,
    retryDelayInMs: 200,
    maxRetryDelayInMs: 20_000,
    // the service gives up on a try then; where it does not say so, see azure-patience.ts
    tryTimeoutInMs: 60_000,
  },
  keepAliveOptions: { enable: true },
  redirectOptions: { maxRetries: 0 },
} as const;

/** The longest that a call without bytes may go unanswered. */
const ANSWER_MS = 60_000;

/**
 * Connects to a tenant's container. `secret` is the connection string or the SAS; with `identity` the
 * worker's own is used.
 */
export function createAzureClient(
  settings: AzureSettings,
  secret: string | undefined,
  answerMs = ANSWER_MS,
): ContainerClient {
  const { url, credential } = accountOf(settings, secret ?? '');
  const pipeline = newPipeline(credential, OPTIONS);
  pipeline.factories.push(createAzurePatience(answerMs));
  return new BlobServiceClient(url, pipeline).getContainerClient(settings.container);
}

function accountOf(
  { credential, accountUrl }: AzureSettings,
  secret: string,
): Pick<BlobServiceClient, 'url' | 'credential'> {
  const url = accountUrl ?? '';
  switch (credential) {
    case 'connection-string':
      return BlobServiceClient.fromConnectionString(secret);
    case 'sas':
      return {
        url: `${url}?${secret.replace(/^\?/, '')}`,
        credential: new AnonymousCredential(),
      };
    case 'identity':
      return { url, credential: new DefaultAzureCredential() };
  }
}

/** Whether Azure said that something is not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof RestError && error.statusCode === 404;

/** The SDK's error as a {@link RemoteError}; an abort stays what it is. */
export function toAzureFailure(error: unknown, doing: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (error.name === 'AbortError' || error instanceof WorkError) return error;
  if (error instanceof RestError) {
    const said = (error.details as { readonly errorCode?: unknown } | undefined)?.errorCode;
    const status = error.statusCode;
    const known = said ?? error.code;
    const code = known === undefined && status !== undefined ? codeOfStatus(status) : known;
    return new RemoteError(doing, { code: safeCode(code ?? error.name), status });
  }
  const code = (error as NodeJS.ErrnoException).code ?? error.name;
  return new RemoteError(doing, { code: safeCode(code) });
}

/** Runs a call; what it throws says what was being done. */
export async function calling<Result>(doing: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw toAzureFailure(error, doing);
  }
}
