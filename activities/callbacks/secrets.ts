import { callbackHeaderContext } from '../../src/domain/callback-headers.ts';
import { certificateContext, signingContext } from '../../src/domain/callback-secrets.ts';
import type { ClientCertificate } from '../../src/egress/agents.ts';
import type { SecretBox } from '../../src/secrets/secret-box.ts';
import { parseSigningSecret, type SigningSecret } from '../../src/secrets/webhook-signature.ts';
import type { ClaimedStream } from '../../src/store/deliveries.ts';

/** What a tenant's callbacks go out with, opened. */
export interface OpenedSecrets {
  readonly headers: Readonly<Record<string, string>>;
  /** The newest first; all of them sign. */
  readonly signing: readonly SigningSecret[];
  readonly certificate: ClientCertificate | undefined;
}

/** Opens what is sealed for a tenant's callbacks. Throws a SecretsKeyError where a key is missing. */
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
      parseSigningSecret(box.open(sealed, signingContext(tenantId))),
    ),
    certificate:
      sealedCertificate === null
        ? undefined
        : (JSON.parse(
            box.open(sealedCertificate, certificateContext(tenantId)),
          ) as ClientCertificate),
  };
}
