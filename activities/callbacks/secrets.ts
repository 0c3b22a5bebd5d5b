import { callbackHeaderContext } from '../../src/domain/callback-headers.ts';
import { certificateContext, signingContext } from '../../src/domain/callback-secrets.ts';
import type { ClientCertificate } from '../../src/egress/tls-options.ts';
import { type SecretBox, SecretsKeyError } from '../../src/secrets/secret-box.ts';
import { parseSigningSecret, type SigningSecret } from '../../src/secrets/webhook-signature.ts';
import type { ClaimedStream } from '../../src/store/deliveries.ts';

/** What a tenant's callbacks go out with, opened. */
export interface OpenedSecrets {
  readonly headers: Readonly<Record<string, string>>;
  /** The newest first; all of them sign. */
  readonly signing: readonly SigningSecret[];
  readonly certificate: ClientCertificate | undefined;
}

/** What was sealed is of no use. The message holds nothing of it, and there is no cause that could. */
export class UnusableSecretError extends Error {
  override readonly name = 'UnusableSecretError';
}

/**
 * Reads what was sealed. What readers of JSON and keys complain of holds parts of what they read, so
 * nothing of that goes on, not even as a cause.
 */
function readOpened<Read>(what: string, read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    if (error instanceof SecretsKeyError) throw error;
    throw new UnusableSecretError(`${what} cannot be used and must be set again`);
  }
}

/** A certificate with its key as the command line seals it: JSON of two PEM texts. */
function parseCertificate(text: string): ClientCertificate {
  const { certificate, key } = JSON.parse(text) as Partial<ClientCertificate>;
  if (typeof certificate !== 'string' || typeof key !== 'string') {
    throw new TypeError('no certificate with its key');
  }
  return { certificate, key };
}

/**
 * Opens what is sealed for a tenant's callbacks. Throws a {@link SecretsKeyError} where a key is missing,
 * an {@link UnusableSecretError} where what was sealed is of no use.
 */
export function openSecrets(
  box: SecretBox,
  stream: Pick<
    ClaimedStream,
    'tenantId' | 'sealedHeaders' | 'sealedSigningSecrets' | 'sealedCertificate'
  >,
): OpenedSecrets {
  const { tenantId, sealedCertificate } = stream;
  const headers = Object.entries(stream.sealedHeaders).map(([name, sealed]) => [
    name,
    box.open(sealed, callbackHeaderContext(tenantId, name)),
  ]);
  return {
    headers: Object.fromEntries(headers) as Record<string, string>,
    signing: stream.sealedSigningSecrets.map((sealed) =>
      readOpened(`the signing secret of tenant ${tenantId}`, () =>
        parseSigningSecret(box.open(sealed, signingContext(tenantId))),
      ),
    ),
    certificate:
      sealedCertificate === null
        ? undefined
        : readOpened(`the client certificate of tenant ${tenantId}`, () =>
            parseCertificate(box.open(sealedCertificate, certificateContext(tenantId))),
          ),
  };
}
