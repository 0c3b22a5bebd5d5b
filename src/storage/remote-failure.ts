import { WorkError } from '../domain/failure.ts';

/** What a vendor's SDK says of a failure, as far as it may be told: no headers, URLs or credentials. */
export interface RemoteFault {
  /** The service's code or the system's, `AccessDenied`, `ECONNREFUSED`. */
  readonly code: string;
  /** Undefined where there was no answer. */
  readonly status?: number | undefined;
}

/** A failed call of a storage service. The SDK's own error is not kept: it may hold signed URLs. */
export class RemoteError extends WorkError {
  readonly fault: RemoteFault;

  constructor(doing: string, fault: RemoteFault) {
    super('StorageFailed', describe(doing, fault));
    this.fault = fault;
  }
}

function describe(doing: string, { code, status }: RemoteFault): string {
  return status === undefined
    ? `The storage cannot be reached for ${doing} (${code})`
    : `The storage refused ${doing} (${code}, HTTP ${status})`;
}

/** A body that ended before its time, or fell silent, however often it was asked for. */
export class BrokenOffError extends RemoteError {
  constructor(doing: string, cause: unknown) {
    const { code, name } = cause as NodeJS.ErrnoException;
    super(doing, { code: safeCode(code ?? name) });
    this.message = `The storage broke off ${doing} again and again (${this.fault.code})`;
  }
}

/** A file that is another one, or none, than when it was first asked for. */
export const changedWhileFetched = (key: string): WorkError =>
  new WorkError('StorageFailed', `${key} changed while it was fetched`);

/** An answer of another length than was asked for: the storage lies, and no part of it is of use. */
export const wrongLength = (key: string, askedBytes: number, cameBytes?: number): WorkError =>
  new WorkError(
    'StorageFailed',
    `The storage answered with ${cameBytes ?? 'an unknown number of'} bytes of ${key} where ${askedBytes} were asked for`,
  );

/** Whether a failure may pass: no answer, too many requests, or a fault of the service. */
export function isTransient(error: unknown): boolean {
  if (error instanceof RemoteError) {
    const { status } = error.fault;
    return status === undefined || status === 408 || status === 429 || status >= 500;
  }
  // a body that broke off is the system's error; a WorkError is a judgement
  return !(error instanceof WorkError);
}

const STATUS_NAMES: Readonly<Record<number, string>> = {
  301: 'MovedPermanently',
  400: 'BadRequest',
  403: 'Forbidden',
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
};

/** A status by its name: for answers without a body, to `HEAD`, which tell no code. */
export const codeOfStatus = (status: number | undefined): string =>
  STATUS_NAMES[status ?? 0] ?? 'unknown';

/** A code that is safe to tell: an identifier, nothing else. */
export const safeCode = (code: unknown): string =>
  typeof code === 'string' && /^[A-Za-z0-9_.-]{1,60}$/.test(code) ? code : 'unknown';
