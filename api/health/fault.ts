/** gRPC status codes (grpc/status) that a Temporal call can end with. */
const GRPC: Readonly<Record<number, string>> = {
  4: 'DEADLINE_EXCEEDED',
  5: 'NOT_FOUND',
  7: 'PERMISSION_DENIED',
  8: 'RESOURCE_EXHAUSTED',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
};

/** What is wrong with a part, in words that clients may read. */
export class PartFault extends Error {
  override readonly name = 'PartFault';
}

/**
 * Why a part could not be asked, by its code only: Postgres' SQLSTATE, the system's error, gRPC's
 * status. Messages hold hosts, paths and statements; they go to the log.
 */
export function describeFault(error: unknown): string {
  if (error instanceof PartFault) return error.message;
  const code: unknown = (error as { readonly code?: unknown } | null | undefined)?.code;
  if (typeof code === 'number') return `cannot be asked (${GRPC[code] ?? `gRPC status ${code}`})`;
  if (typeof code === 'string' && /^[A-Z0-9_]{2,40}$/.test(code))
    return `cannot be asked (${code})`;
  return 'cannot be asked';
}
