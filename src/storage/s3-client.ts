import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { WorkError } from '../domain/failure.ts';
import type { S3Settings } from '../domain/storage-settings.ts';
import { codeOfStatus, RemoteError, safeCode } from './remote-failure.ts';

const CONNECT_MS = 5_000;
const SILENCE_MS = 30_000;

/** Each request is tried so often, with growing waits between; `SlowDown` is among what is tried again. */
const MOST_TRIES = 6;

/**
 * Connects to a tenant's S3. `secret` is the secret access key; without an access key id the
 * worker's own identity is used (the SDK's default provider chain).
 */
export function createS3Client(settings: S3Settings, secret: string | undefined): S3Client {
  const { region, endpoint, accessKeyId, isPathStyle, hasChecksums } = settings;
  // no limit: each job has its own, and a request that waits for another job's socket counts as one that cannot connect
  const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };
  return new S3Client({
    region,
    forcePathStyle: isPathStyle,
    maxAttempts: MOST_TRIES,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENCE_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
    requestChecksumCalculation: hasChecksums ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    // ranges have none: what was fetched is checked as a whole
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint === null ? {} : { endpoint }),
    ...(accessKeyId === null
      ? {}
      : { credentials: { accessKeyId, secretAccessKey: secret ?? '' } }),
  });
}

/** Whether S3 said that something is not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404;

/** The SDK's error as a {@link RemoteError}; an abort stays what it is. */
export function toS3Failure(error: unknown, doing: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (error.name === 'AbortError' || error instanceof WorkError) return error;
  if (error instanceof S3ServiceException) {
    const { httpStatusCode: status } = error.$metadata;
    const code = error.name === 'Unknown' ? codeOfStatus(status) : safeCode(error.name);
    return new RemoteError(doing, { code, status });
  }
  const code = (error as NodeJS.ErrnoException).code ?? error.name;
  return new RemoteError(doing, { code: safeCode(code) });
}
