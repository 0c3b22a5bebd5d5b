import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { certificateContext } from '../../src/domain/callback-secrets.ts';
import { type SecretBox, SecretsKeyError } from '../../src/secrets/secret-box.ts';
import { CliError, type CommandContext } from '../command.ts';
import { readTextFile } from '../read-file.ts';

/** A certificate with its key, both in PEM. */
interface CertificateWithKey {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Reads the certificate of a file, and its key from standard input, and tries them as TLS will.
 * Throws a {@link CliError}; nothing of the key is in its message, and no cause is kept that could hold it.
 */
export async function readCertificate(
  path: string,
  readSecret: CommandContext['readSecret'],
): Promise<CertificateWithKey> {
  const certificate = await readTextFile(path);
  const parsed = parsePem(certificate);
  if (parsed === undefined) throw new CliError(`${path} holds no certificate in PEM`);
  if (parsed.validToDate.getTime() <= Date.now()) {
    throw new CliError(`The certificate in ${path} ended ${parsed.validToDate.toISOString()}`);
  }
  const key = await readSecret('Private key in PEM: ');
  if (!isKeyOf(parsed, certificate, key)) {
    throw new CliError(
      `The key from standard input does not go with ${path}: it must be its private key in PEM, without a passphrase`,
    );
  }
  return { certificate, key };
}

function isKeyOf(parsed: X509Certificate, certificate: string, key: string): boolean {
  try {
    const isPair = parsed.checkPrivateKey(createPrivateKey(key));
    // TLS refuses some pairs all the same: keys that are too short
    createSecureContext({ cert: certificate, key });
    return isPair;
  } catch {
    return false;
  }
}

/** Seals a certificate with its key for a tenant. */
export const sealCertificate = (
  secrets: SecretBox,
  tenantId: number,
  { certificate, key }: CertificateWithKey,
): string => secrets.seal(JSON.stringify({ certificate, key }), certificateContext(tenantId));

/** A sealed certificate for people, `CN=acme, until 2030-01-31T…Z`; never its key. */
export function describeCertificate(
  secrets: SecretBox,
  tenantId: number,
  sealed: string | null,
): string | null {
  if (sealed === null) return null;
  let text: string;
  try {
    text = secrets.open(sealed, certificateContext(tenantId));
  } catch (error) {
    if (!(error instanceof SecretsKeyError)) throw error;
    return `(${error.message})`;
  }
  const { certificate } = JSON.parse(text) as CertificateWithKey;
  const { subject, validToDate } = new X509Certificate(certificate);
  return `${subject.replaceAll('\n', ', ')}, until ${validToDate.toISOString()}`;
}

function parsePem(text: string): X509Certificate | undefined {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) return undefined;
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}
