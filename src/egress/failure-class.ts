/** Why a request got no answer. */
export type FailureClass =
  | 'blocked'
  | 'refused'
  | 'timeout'
  | 'dns'
  | 'tls'
  | 'reset'
  | 'protocol'
  /** No name service or no network here: nothing that the receiver could help. */
  | 'offline';

/** Whether a request failed for a reason of ours, and not of who was called. */
export const isOurFault = (failure: FailureClass): boolean => failure === 'offline';

const BY_CODE: Readonly<Record<string, FailureClass>> = {
  EBLOCKED: 'blocked',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'offline',
  ENETDOWN: 'offline',
  EMFILE: 'offline',
  ENFILE: 'offline',
  EADDRNOTAVAIL: 'offline',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'offline',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
};

const SENTENCES: Readonly<Record<FailureClass, string>> = {
  blocked: 'the address is not allowed for this client',
  refused: 'the connection was refused',
  timeout: 'no answer in time',
  dns: 'the name could not be resolved',
  tls: 'the certificate or TLS handshake was not accepted',
  reset: 'the connection broke off',
  protocol: 'the answer was no valid HTTP',
  offline: 'no name service or no network on this side',
};

/** An error of a request as its class and a sentence for people; no address of ours is in it. */
export function classifyFailure(
  error: unknown,
  isTimedOut: boolean,
): { readonly failure: FailureClass; readonly message: string } {
  const failure = isTimedOut ? 'timeout' : classOf(error);
  return { failure, message: SENTENCES[failure] };
}

function classOf(error: unknown): FailureClass {
  for (let at = error; at instanceof Error; at = at.cause) {
    const inner: unknown = at instanceof AggregateError ? at.errors[0] : at;
    const code = (inner as { readonly code?: string }).code ?? '';
    const known = BY_CODE[code];
    if (known !== undefined) return known;
    if (/^ERR_(?:TLS|SSL)|CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) return 'tls';
  }
  return 'protocol';
}
